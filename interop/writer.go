package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/gogf/gf/v2/os/gsession"
)

const blobBytes = 200_000

// write stores version after version of one session in a folder, and tells of each once it is
// closed: until the last one, or for ever. The arguments are the folder, the id and the last version.
func write(arguments []string, out io.Writer) error {
	manager, id, last, err := versions(arguments)
	if err != nil {
		return err
	}
	for version := int64(1); last == 0 || version <= last; version++ {
		session := manager.New(context.Background(), id)
		data := map[string]any{"version": version, "blob": blobOf(version)}
		if err := session.SetMap(data); err != nil {
			return err
		}
		if err := session.Close(); err != nil {
			return err
		}
		// Straight to the pipe: what is buffered in this process would die with it.
		if _, err := fmt.Fprintln(out, version); err != nil {
			return err
		}
	}
	return nil
}

// found is what was wrong with what a reader saw.
type found struct {
	Absent    int `json:"absent"`
	Torn      int `json:"torn"`
	Backwards int `json:"backwards"`
	Errors    int `json:"errors"`
	Reads     int `json:"reads"`
	Seen      int `json:"seen"`
}

// readUntil reads the session that write stores, once a millisecond, until its last version, and tells
// what it found.
func readUntil(arguments []string, out io.Writer) error {
	manager, id, last, err := versions(arguments)
	if err != nil {
		return err
	}
	var f found
	for seen := int64(0); seen < last; f.Reads++ {
		time.Sleep(time.Millisecond)
		session := manager.New(context.Background(), id)
		data, err := session.Data()
		if err == nil {
			err = session.Close()
		}
		if err != nil {
			f.Errors++
			continue
		}
		version := number(data["version"])
		switch {
		case len(data) == 0:
			f.Absent++
		case data["blob"] != blobOf(version):
			f.Torn++
		case version < seen:
			f.Backwards++
		}
		if version > seen {
			f.Seen++
			seen = version
		}
	}
	return json.NewEncoder(out).Encode(f)
}

func versions(arguments []string) (manager *gsession.Manager, id string, last int64, err error) {
	if len(arguments) != 3 {
		return nil, "", 0, fmt.Errorf("expected a folder, an id, and the last version or 0")
	}
	last, err = strconv.ParseInt(arguments[2], 10, 64)
	storage := gsession.NewStorageFile(arguments[0], time.Hour)
	return gsession.New(time.Hour, storage), arguments[1], last, err
}

func number(value any) int64 {
	version, _ := strconv.ParseInt(fmt.Sprint(value), 10, 64)
	return version
}

// blobOf is the text of a version, different for each, as in test/helpers/file-worker.mjs.
func blobOf(version int64) string {
	text := strconv.FormatInt(version, 10) + ";"
	return strings.Repeat(text, blobBytes/len(text)+1)[:blobBytes]
}
