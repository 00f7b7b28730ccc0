// Package orders drives programs in Go: they are given orders and answer them, a line of JSON each.
// Those of the benchmark are what bench/goframe-node.mjs takes too.
package orders

import (
	"fmt"
	"io"
)

// Sessions is what is measured. Sessions are numbered in the order in which they were begun.
type Sessions interface {
	// Begin stores one more session.
	Begin(data map[string]any) error
	// Name does what a request does that reads this key.
	Name(session int) (string, error)
	// SetVisits does what a request does that writes this key.
	SetVisits(session, visits int) error
	Look(session int) (Said, error)
}

// Said is what a session says of itself.
type Said struct {
	Name   string `json:"name"`
	Visits int    `json:"visits"`
}

type order struct {
	Do       string         `json:"do"` // fill, check, read or write
	Data     map[string]any `json:"data"`
	Sessions int            `json:"sessions"`
	Count    int            `json:"count"`
	Parallel int            `json:"parallel"`
}

type taker struct {
	sessions Sessions
	begun    int
}

// Take carries out the benchmark's orders.
func Take(sessions Sessions, in io.Reader, out io.Writer) error {
	t := &taker{sessions: sessions}
	return Answer(in, out, t.carryOut)
}

func (t *taker) carryOut(o order) (any, error) {
	switch o.Do {
	case "fill":
		return o.Sessions, t.fill(o.Sessions, o.Data)
	case "check":
		return t.check()
	case "read":
		return timed(o, t.read)
	case "write":
		return timed(o, t.write)
	}
	return nil, fmt.Errorf("there is no order %q", o.Do)
}

func (t *taker) fill(sessions int, data map[string]any) error {
	for range sessions {
		if err := t.sessions.Begin(data); err != nil {
			return err
		}
		t.begun++
	}
	return nil
}

// check writes to each session, and answers what the last one says then.
func (t *taker) check() (Said, error) {
	var said Said
	for n := range t.begun {
		if err := t.sessions.SetVisits(n, n); err != nil {
			return said, err
		}
		var err error
		if said, err = t.sessions.Look(n); err != nil {
			return said, err
		}
		if said.Visits != n {
			return said, fmt.Errorf("expected %d visits, got %d", n, said.Visits)
		}
	}
	return said, nil
}

func (t *taker) read(n int) error {
	name, err := t.sessions.Name(n % t.begun)
	if err == nil && name != "Ada Lovelace" {
		return fmt.Errorf("a wrong answer")
	}
	return err
}

func (t *taker) write(n int) error {
	return t.sessions.SetVisits(n%t.begun, n)
}
