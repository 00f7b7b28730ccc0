package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"time"

	"github.com/gogf/gf/v2/os/gsession"
	"gsession/orders"
)

// order is one line of the driver's input.
type order struct {
	Do      string          `json:"do"`
	Storage string          `json:"storage"`
	Session string          `json:"session"`
	ID      string          `json:"id"`
	Key     string          `json:"key"`
	Keys    []string        `json:"keys"`
	Value   json.RawMessage `json:"value"`
	Go      string          `json:"go"`      // the name of one of goValues or refused, instead of a value
	Literal string          `json:"literal"` // a json.Number, as GoFrame has it from a file or a string
	Delete  bool            `json:"delete"`
	place
}

type answer struct {
	Result any    `json:"result"`
	Error  string `json:"error,omitempty"`
}

// regenerator is what sessions are from GoFrame 2.8.2 on.
type regenerator interface {
	RegenerateId(deleteOld bool) (string, error)
}

type driver struct {
	managers map[string]*gsession.Manager
	sessions map[string]*gsession.Session
}

// drive carries out an order a line, and answers each with a line.
func drive(in io.Reader, out io.Writer) error {
	d := &driver{managers: map[string]*gsession.Manager{}, sessions: map[string]*gsession.Session{}}
	return orders.Answer(bufio.NewReaderSize(in, 1<<20), out, func(next order) (any, error) {
		return d.answer(next), nil
	})
}

func (d *driver) answer(o order) (result answer) {
	defer func() {
		if fault := recover(); fault != nil {
			fmt.Fprintln(os.Stderr, string(debug.Stack()))
			result = answer{Error: fmt.Sprint("panic: ", fault)}
		}
	}()
	value, err := d.carryOut(o)
	if err != nil {
		return answer{Error: err.Error()}
	}
	return answer{Result: value}
}

func (d *driver) carryOut(o order) (any, error) {
	switch o.Do {
	case "version":
		return versionOf("github.com/gogf/gf/v2"), nil
	case "open":
		storage, err := o.place.open()
		if err != nil {
			return nil, err
		}
		d.managers[o.Storage] = gsession.New(o.ttl(), storage)
		return nil, nil
	case "new", "view":
		manager := d.managers[o.Storage]
		if manager == nil {
			return nil, fmt.Errorf("no storage %q was opened", o.Storage)
		}
		session := manager.New(context.Background(), o.ID)
		if o.Do == "view" { // What a request sees that does nothing else, and leaves the ttl alone.
			return session.Data()
		}
		d.sessions[o.Session] = session
		return nil, nil
	}
	session := d.sessions[o.Session]
	if session == nil {
		return nil, fmt.Errorf("there is no session %q", o.Session)
	}
	return carryOut(session, o)
}

func carryOut(session *gsession.Session, o order) (any, error) {
	switch o.Do {
	case "set":
		value, err := o.value()
		if err != nil {
			return nil, err
		}
		return nil, session.Set(o.Key, value)
	case "setMap":
		value, err := native(o.Value)
		if err != nil {
			return nil, err
		}
		data, ok := value.(map[string]any)
		if !ok {
			return nil, fmt.Errorf("expected a map")
		}
		return nil, session.SetMap(data)
	case "setGoValues":
		return nil, session.SetMap(goValues())
	case "get":
		value, err := session.Get(o.Key)
		return value.Val(), err
	case "getWithDefault":
		value, err := session.Get(o.Key, "default")
		return value.Val(), err
	case "text":
		value, err := session.Get(o.Key)
		return value.String(), err
	case "contains":
		return session.Contains(o.Key)
	case "data":
		return session.Data()
	case "size":
		return session.Size()
	case "remove":
		return nil, session.Remove(o.Keys...)
	case "removeAll":
		return nil, session.RemoveAll()
	case "regenerate":
		if able, ok := any(session).(regenerator); ok {
			return able.RegenerateId(o.Delete)
		}
		return nil, fmt.Errorf("this GoFrame has no RegenerateId")
	case "id":
		return session.Id()
	case "setId":
		return nil, session.SetId(o.ID)
	case "setIdFunc":
		return nil, session.SetIdFunc(func(time.Duration) string { return o.ID })
	case "isDirty":
		return session.IsDirty(), nil
	case "close":
		return nil, session.Close()
	}
	return nil, fmt.Errorf("there is no order %q", o.Do)
}

func (o order) value() (any, error) {
	if o.Literal != "" {
		return json.Number(o.Literal), nil
	}
	if o.Go == "" {
		return native(o.Value)
	}
	for _, values := range []map[string]any{goValues(), refused()} {
		if value, ok := values[o.Go]; ok {
			return value, nil
		}
	}
	return nil, fmt.Errorf("there is no Go value %q", o.Go)
}

func versionOf(path string) string {
	info, _ := debug.ReadBuildInfo()
	for _, module := range info.Deps {
		if module.Path == path {
			return module.Version
		}
	}
	return ""
}
