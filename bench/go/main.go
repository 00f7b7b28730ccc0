// Command bench measures scs, the session package for Go that GoFrame's is compared with beside ours.
// It takes orders and answers, a line of JSON each, as interop/bench.go does.
package main

import (
	"context"
	"encoding/gob"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/alexedwards/scs/redisstore"
	"github.com/alexedwards/scs/v2"
	"github.com/alexedwards/scs/v2/memstore"
	"github.com/gomodule/redigo/redis"
)

// place says where sessions are kept, as in interop/storages.go.
type place struct {
	Kind   string `json:"kind"`  // memory or kv
	Redis  string `json:"redis"` // host:port
	Prefix string `json:"prefix"`
	TTL    int64  `json:"ttl"` // milliseconds
}

type order struct {
	Do       string         `json:"do"` // fill, check, read or write
	Data     map[string]any `json:"data"`
	Sessions int            `json:"sessions"`
	Count    int            `json:"count"`
	Parallel int            `json:"parallel"`
}

type said struct {
	Name   string `json:"name"`
	Visits int    `json:"visits"`
}

type bench struct {
	manager *scs.SessionManager
	tokens  []string
}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "bench: expected a place")
		os.Exit(1)
	}
	if err := measure(os.Args[1], os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func measure(options string, in io.Reader, out io.Writer) error {
	// What JSON becomes in Go; scs encodes with gob, which wants to be told.
	gob.Register(map[string]any{})
	gob.Register([]any{})
	var p place
	if err := json.Unmarshal([]byte(options), &p); err != nil {
		return err
	}
	manager, err := p.open()
	if err != nil {
		return err
	}
	b := &bench{manager: manager}
	orders, answers := json.NewDecoder(in), json.NewEncoder(out)
	for {
		var next order
		if err := orders.Decode(&next); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		result, err := b.carryOut(next)
		if err != nil {
			return err
		}
		if err := answers.Encode(result); err != nil {
			return err
		}
	}
}

func (p place) open() (*scs.SessionManager, error) {
	manager := scs.New()
	manager.Lifetime = time.Duration(p.TTL) * time.Millisecond
	switch p.Kind {
	case "memory":
		manager.Store = memstore.New()
	case "kv":
		pool := &redis.Pool{
			MaxIdle: 32,
			Dial:    func() (redis.Conn, error) { return redis.Dial("tcp", p.Redis) },
		}
		manager.Store = redisstore.NewWithPrefix(pool, p.Prefix)
	default:
		return nil, fmt.Errorf("expected the kind memory or kv, got %q", p.Kind)
	}
	return manager, nil
}

func (b *bench) carryOut(o order) (any, error) {
	switch o.Do {
	case "fill":
		return o.Sessions, b.fill(o.Sessions, o.Data)
	case "check":
		return b.check()
	case "read":
		return timed(o, b.read)
	case "write":
		return timed(o, b.write)
	}
	return nil, fmt.Errorf("there is no order %q", o.Do)
}

func (b *bench) fill(sessions int, data map[string]any) error {
	for range sessions {
		ctx, err := b.manager.Load(context.Background(), "")
		if err != nil {
			return err
		}
		for key, value := range data {
			b.manager.Put(ctx, key, value)
		}
		token, _, err := b.manager.Commit(ctx)
		if err != nil {
			return err
		}
		b.tokens = append(b.tokens, token)
	}
	return nil
}

// check writes to each session, and tells what the last one says then.
func (b *bench) check() (said, error) {
	var last said
	for n, token := range b.tokens {
		if err := b.write(n); err != nil {
			return last, err
		}
		ctx, err := b.manager.Load(context.Background(), token)
		if err != nil {
			return last, err
		}
		last = said{b.manager.GetString(ctx, "name"), b.manager.GetInt(ctx, "visits")}
		if last.Visits != n {
			return last, fmt.Errorf("expected %d visits, got %d", n, last.Visits)
		}
	}
	return last, nil
}

func (b *bench) read(n int) error {
	ctx, err := b.manager.Load(context.Background(), b.tokens[n%len(b.tokens)])
	if err != nil {
		return err
	}
	if b.manager.GetString(ctx, "name") != "Ada Lovelace" {
		return fmt.Errorf("a wrong answer")
	}
	return nil
}

func (b *bench) write(n int) error {
	ctx, err := b.manager.Load(context.Background(), b.tokens[n%len(b.tokens)])
	if err != nil {
		return err
	}
	b.manager.Put(ctx, "visits", n)
	_, _, err = b.manager.Commit(ctx)
	return err
}
