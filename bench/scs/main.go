// Command scs measures scs, another session package for Go, beside GoFrame's and ours.
package main

import (
	"context"
	"encoding/gob"
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/alexedwards/scs/redisstore"
	"github.com/alexedwards/scs/v2"
	"github.com/alexedwards/scs/v2/memstore"
	"github.com/gomodule/redigo/redis"
	"gsession/orders"
)

// place says where sessions are kept, as in interop/storages.go.
type place struct {
	Kind   string `json:"kind"`  // memory or kv
	Redis  string `json:"redis"` // host:port
	Prefix string `json:"prefix"`
	TTL    int64  `json:"ttl"` // milliseconds
}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "scs: expected a place")
		os.Exit(1)
	}
	if err := measure(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "scs:", err)
		os.Exit(1)
	}
}

func measure(options string) error {
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
	return orders.Take(&sessions{manager: manager}, os.Stdin, os.Stdout)
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

// sessions are those that were begun, by their numbers.
type sessions struct {
	manager *scs.SessionManager
	tokens  []string
}

func (s *sessions) Begin(data map[string]any) error {
	ctx, err := s.manager.Load(context.Background(), "")
	if err != nil {
		return err
	}
	for key, value := range data {
		s.manager.Put(ctx, key, value)
	}
	token, _, err := s.manager.Commit(ctx)
	if err != nil {
		return err
	}
	s.tokens = append(s.tokens, token)
	return nil
}

func (s *sessions) Name(session int) (string, error) {
	ctx, err := s.load(session)
	if err != nil {
		return "", err
	}
	return s.manager.GetString(ctx, "name"), nil
}

func (s *sessions) SetVisits(session, visits int) error {
	ctx, err := s.load(session)
	if err != nil {
		return err
	}
	s.manager.Put(ctx, "visits", visits)
	_, _, err = s.manager.Commit(ctx)
	return err
}

func (s *sessions) Look(session int) (orders.Said, error) {
	ctx, err := s.load(session)
	if err != nil {
		return orders.Said{}, err
	}
	return orders.Said{
		Name:   s.manager.GetString(ctx, "name"),
		Visits: s.manager.GetInt(ctx, "visits"),
	}, nil
}

func (s *sessions) load(session int) (context.Context, error) {
	return s.manager.Load(context.Background(), s.tokens[session])
}
