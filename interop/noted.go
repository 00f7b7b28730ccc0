package main

import (
	"context"
	"sync"
	"time"

	"github.com/gogf/gf/v2/container/gmap"
	"github.com/gogf/gf/v2/os/gsession"
)

// noted is a storage of GoFrame's that notes how its saves ended, and lets them wait before if that
// is asked for.
type noted struct {
	gsession.Storage
	delay time.Duration
	lock  sync.Mutex
	ended []string
}

func (n *noted) SetSession(ctx context.Context, id string, data *gmap.StrAnyMap, ttl time.Duration) error {
	time.Sleep(n.delay)
	err := n.Storage.SetSession(ctx, id, data, ttl)
	n.lock.Lock()
	defer n.lock.Unlock()
	if err == nil {
		n.ended = append(n.ended, "")
	} else {
		n.ended = append(n.ended, err.Error())
	}
	return err
}

// saves has for each save the text of its error, "" for none.
func (n *noted) saves() []string {
	n.lock.Lock()
	defer n.lock.Unlock()
	return append([]string{}, n.ended...)
}
