package main

import (
	"fmt"
	"time"

	_ "github.com/gogf/gf/contrib/nosql/redis/v2"
	"github.com/gogf/gf/v2/database/gredis"
	"github.com/gogf/gf/v2/os/gsession"
)

// place says where sessions are kept.
type place struct {
	Kind   string `json:"kind"` // memory, file, kv or hash
	Path   string `json:"path"`
	Crypto bool   `json:"crypto"`
	Redis  string `json:"redis"` // host:port
	Prefix string `json:"prefix"`
	TTL    int64  `json:"ttl"` // milliseconds
}

func (p place) ttl() time.Duration {
	return time.Duration(p.TTL) * time.Millisecond
}

func (p place) open() (gsession.Storage, error) {
	switch p.Kind {
	case "memory":
		return gsession.NewStorageMemory(), nil
	case "file":
		storage := gsession.NewStorageFile(p.Path, p.ttl())
		storage.SetCryptoEnabled(p.Crypto)
		return storage, nil
	case "kv":
		client, err := p.client()
		if err != nil {
			return nil, err
		}
		return gsession.NewStorageRedis(client, p.Prefix), nil
	case "hash":
		client, err := p.client()
		if err != nil {
			return nil, err
		}
		return gsession.NewStorageRedisHashTable(client, p.Prefix), nil
	}
	return nil, fmt.Errorf("expected the kind memory, file, kv or hash, got %q", p.Kind)
}

func (p place) client() (*gredis.Redis, error) {
	return gredis.New(&gredis.Config{Address: p.Redis})
}
