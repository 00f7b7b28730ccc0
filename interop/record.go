package main

import (
	"context"
	"encoding/json"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/gogf/gf/v2/os/gsession"
)

const day = 24 * 60 * 60 * 1000

// recording is what GoFrame wrote; []byte is base64 in JSON.
type recording struct {
	GoFrame string                       `json:"goframe"`
	Sources map[string]json.RawMessage   `json:"sources"`
	Files   map[string][]byte            `json:"files"`
	Crypted map[string][]byte            `json:"crypted"`
	Strings map[string][]byte            `json:"strings"`
	Hashes  map[string]map[string][]byte `json:"hashes"`
}

// cases are the sessions that are recorded. Each Go value is one by itself, so that a test can name it.
func cases() map[string]map[string]any {
	all := map[string]map[string]any{
		"empty":  {},
		"all":    goValues(),
		"large":  {"text": strings.Repeat("0123456789abcdef", 128), "n": 1},
		"worked": {"user": map[string]any{"name": "Ann <admin>", "roles": []any{"a", "b"}}, "visits": 7},
	}
	for name, value := range goValues() {
		all["value:"+name] = map[string]any{"value": value, "other": 1}
	}
	return all
}

// record writes all cases with GoFrame into every shareable storage, and tells what stands there.
func record(redis string, out io.Writer) error {
	folder, err := os.MkdirTemp("", "interop-record-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	r := recording{
		GoFrame: versionOf("github.com/gogf/gf/v2"),
		Sources: map[string]json.RawMessage{},
		Files:   map[string][]byte{},
		Crypted: map[string][]byte{},
		Strings: map[string][]byte{},
		Hashes:  map[string]map[string][]byte{},
	}
	all := cases()
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if err := r.add(name, all[name], folder, redis); err != nil {
			return err
		}
	}
	encoder := json.NewEncoder(out)
	encoder.SetIndent("", " ")
	return encoder.Encode(r)
}

func (r *recording) add(name string, data map[string]any, folder, redis string) error {
	if source, err := json.Marshal(data); err == nil {
		r.Sources[name] = source
	}
	for _, crypto := range []bool{false, true} {
		bytes, err := inFile(data, folder, crypto)
		if err != nil {
			return err
		}
		if crypto {
			r.Crypted[name] = bytes
		} else {
			r.Files[name] = bytes
		}
	}
	kv := place{Kind: "kv", Redis: redis, Prefix: "record:kv:", TTL: day}
	id, err := kv.save(data)
	if err != nil {
		return err
	}
	client, err := kv.client()
	if err != nil {
		return err
	}
	text, err := client.Get(context.Background(), kv.Prefix+id)
	if err != nil {
		return err
	}
	r.Strings[name] = text.Bytes()
	if len(data) == 0 {
		return nil // Redis has no empty hashes.
	}
	hash := place{Kind: "hash", Redis: redis, Prefix: "record:hash:", TTL: day}
	if id, err = hash.save(data); err != nil {
		return err
	}
	fields, err := client.HGetAll(context.Background(), hash.Prefix+id)
	if err != nil {
		return err
	}
	r.Hashes[name] = map[string][]byte{}
	for field, value := range fields.MapStrStr() {
		r.Hashes[name][field] = []byte(value)
	}
	return nil
}

func inFile(data map[string]any, folder string, crypto bool) ([]byte, error) {
	id, err := place{Kind: "file", Path: folder, Crypto: crypto, TTL: day}.save(data)
	if err != nil {
		return nil, err
	}
	return os.ReadFile(filepath.Join(folder, id+".session"))
}

func (p place) save(data map[string]any) (string, error) {
	storage, err := p.open()
	if err != nil {
		return "", err
	}
	session := gsession.New(p.ttl(), storage).New(context.Background())
	if err := session.SetMap(data); err != nil {
		return "", err
	}
	id, err := session.Id()
	if err != nil {
		return "", err
	}
	return id, session.Close()
}
