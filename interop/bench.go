package main

import (
	"context"
	"encoding/json"
	"os"

	"github.com/gogf/gf/v2/os/gsession"
	"github.com/gogf/gf/v2/util/gconv"
	"gsession/orders"
)

// sessions are those that the benchmark has begun, by their numbers.
type sessions struct {
	manager *gsession.Manager
	ids     []string
}

// measure takes the benchmark's orders, for sessions in one place.
func measure(options string) error {
	var p place
	if err := json.Unmarshal([]byte(options), &p); err != nil {
		return err
	}
	storage, err := p.open()
	if err != nil {
		return err
	}
	manager := gsession.New(p.ttl(), storage)
	return orders.Take(&sessions{manager: manager}, os.Stdin, os.Stdout)
}

func (s *sessions) Begin(data map[string]any) error {
	session := s.manager.New(context.Background())
	if err := session.SetMap(data); err != nil {
		return err
	}
	id, err := session.Id()
	if err != nil {
		return err
	}
	s.ids = append(s.ids, id)
	return session.Close()
}

func (s *sessions) Name(session int) (string, error) {
	opened := s.open(session)
	name, err := opened.Get("name")
	if err != nil {
		return "", err
	}
	return name.String(), opened.Close()
}

func (s *sessions) SetVisits(session, visits int) error {
	opened := s.open(session)
	if err := opened.Set("visits", visits); err != nil {
		return err
	}
	return opened.Close()
}

func (s *sessions) Look(session int) (orders.Said, error) {
	data, err := s.open(session).Data()
	if err != nil {
		return orders.Said{}, err
	}
	return orders.Said{Name: gconv.String(data["name"]), Visits: gconv.Int(data["visits"])}, nil
}

func (s *sessions) open(session int) *gsession.Session {
	return s.manager.New(context.Background(), s.ids[session])
}
