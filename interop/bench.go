package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/gogf/gf/v2/os/gsession"
)

// benchOrder is one line of the benchmark's input; bench/goframe-node.mjs takes the same.
type benchOrder struct {
	Do       string         `json:"do"` // fill, check, read or write
	Data     map[string]any `json:"data"`
	Sessions int            `json:"sessions"`
	Count    int            `json:"count"`
	Parallel int            `json:"parallel"`
}

// benchTime is how long operations took.
type benchTime struct {
	Seconds    float64 `json:"seconds"`
	CPUSeconds float64 `json:"cpuSeconds"`
}

// benchCheck is what a session says after it was written.
type benchCheck struct {
	Name   string `json:"name"`
	Visits int    `json:"visits"`
}

type bench struct {
	manager *gsession.Manager
	ids     []string
}

// measure carries out orders, a line each, on a storage, and answers each with a line.
func measure(options string, in io.Reader, out io.Writer) error {
	var p place
	if err := json.Unmarshal([]byte(options), &p); err != nil {
		return err
	}
	storage, err := p.open()
	if err != nil {
		return err
	}
	b := &bench{manager: gsession.New(p.ttl(), storage)}
	orders, answers := json.NewDecoder(in), json.NewEncoder(out)
	for {
		var next benchOrder
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

func (b *bench) carryOut(o benchOrder) (any, error) {
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
		session := b.manager.New(context.Background())
		if err := session.SetMap(data); err != nil {
			return err
		}
		id, err := session.Id()
		if err != nil {
			return err
		}
		if err := session.Close(); err != nil {
			return err
		}
		b.ids = append(b.ids, id)
	}
	return nil
}

// check writes to each session, and tells what the last one says then.
func (b *bench) check() (benchCheck, error) {
	var said benchCheck
	for n := range b.ids {
		if err := b.write(n); err != nil {
			return said, err
		}
		session := b.manager.New(context.Background(), b.ids[n])
		said = benchCheck{session.MustGet("name").String(), session.MustGet("visits").Int()}
		if said.Visits != n {
			return said, fmt.Errorf("expected %d visits, got %d", n, said.Visits)
		}
	}
	return said, nil
}

func (b *bench) read(n int) error {
	session := b.manager.New(context.Background(), b.ids[n%len(b.ids)])
	name, err := session.Get("name")
	if err != nil {
		return err
	}
	if name.String() != "Ada Lovelace" {
		return fmt.Errorf("a wrong answer")
	}
	return session.Close()
}

func (b *bench) write(n int) error {
	session := b.manager.New(context.Background(), b.ids[n%len(b.ids)])
	if err := session.Set("visits", n); err != nil {
		return err
	}
	return session.Close()
}

// timed does the work so many times, so many at a time.
func timed(o benchOrder, work func(n int) error) (benchTime, error) {
	var next atomic.Int64
	var group sync.WaitGroup
	failures := make(chan error, o.Parallel)
	start, before := time.Now(), cpuSeconds()
	for range o.Parallel {
		group.Add(1)
		go func() {
			defer group.Done()
			for n := int(next.Add(1)) - 1; n < o.Count; n = int(next.Add(1)) - 1 {
				if err := work(n); err != nil {
					failures <- err
					return
				}
			}
		}()
	}
	group.Wait()
	used := benchTime{time.Since(start).Seconds(), cpuSeconds() - before}
	select {
	case err := <-failures:
		return used, err
	default:
		return used, nil
	}
}

// cpuSeconds is what this process has used, in all its threads.
func cpuSeconds() float64 {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 0
	}
	return float64(usage.Utime.Nano()+usage.Stime.Nano()) / 1e9
}
