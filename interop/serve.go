package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/gogf/gf/v2/frame/g"
	"github.com/gogf/gf/v2/net/ghttp"
	"github.com/gogf/gf/v2/os/gtime"
)

// site is a place with a server in front of it. What it leaves out is as GoFrame has it.
type site struct {
	place
	CookieMaxAge *int64 `json:"cookieMaxAge"` // milliseconds
	NoCookie     bool   `json:"noCookie"`
	SaveDelay    int64  `json:"saveDelay"` // milliseconds
}

// serve runs one server for each of the sites, a JSON object from name to site, tells their ports
// in one line of JSON, and stops when its input ends.
func serve(options string, in io.Reader, out io.Writer) error {
	var sites map[string]site
	if err := json.Unmarshal([]byte(options), &sites); err != nil {
		return err
	}
	ports := map[string]int{}
	for name, s := range sites {
		server, err := s.server(name)
		if err != nil {
			return err
		}
		if err := server.Start(); err != nil {
			return err
		}
		defer server.Shutdown()
		ports[name] = server.GetListenedPort()
	}
	if err := json.NewEncoder(out).Encode(ports); err != nil {
		return err
	}
	_, err := bufio.NewReader(in).WriteTo(io.Discard)
	return err
}

func (s site) server(name string) (*ghttp.Server, error) {
	opened, err := s.open()
	if err != nil {
		return nil, err
	}
	storage := &noted{Storage: opened, delay: time.Duration(s.SaveDelay) * time.Millisecond}
	server := g.Server(name)
	server.SetAddr("127.0.0.1:0")
	server.SetDumpRouterMap(false)
	server.SetAccessLogEnabled(false)
	server.SetErrorLogEnabled(false)
	server.SetLogStdout(false)
	server.SetSessionMaxAge(s.ttl())
	server.SetSessionStorage(storage)
	server.SetSessionCookieOutput(!s.NoCookie)
	if s.CookieMaxAge != nil {
		server.SetSessionCookieMaxAge(time.Duration(*s.CookieMaxAge) * time.Millisecond)
	}
	server.BindHandler("/set", func(r *ghttp.Request) { done(r, r.Session.Set("time", gtime.Timestamp())) })
	server.BindHandler("/get", func(r *ghttp.Request) { r.Response.Write(r.Session.Data()) })
	server.BindHandler("/del", func(r *ghttp.Request) { done(r, r.Session.RemoveAll()) })
	server.BindHandler("GET:/key/{key}", getKey)
	server.BindHandler("PUT:/key/{key}", putKey)
	server.BindHandler("DELETE:/key/{key}", func(r *ghttp.Request) { done(r, r.Session.Remove(keyOf(r))) })
	server.BindHandler("/regenerate", regenerate)
	server.BindHandler("/set-then-panic", func(r *ghttp.Request) {
		_ = r.Session.Set("beforePanic", true)
		panic("as asked")
	})
	bindRowRoutes(server, server.GetSessionIdName(), storage)
	return server, nil
}

func keyOf(r *ghttp.Request) string {
	return r.GetRouter("key").String()
}

func getKey(r *ghttp.Request) {
	value, err := r.Session.Get(keyOf(r))
	if err != nil {
		done(r, err)
		return
	}
	r.Response.WriteJson(value.Val())
}

func putKey(r *ghttp.Request) {
	value, err := native(r.GetBody())
	if err == nil {
		err = r.Session.Set(keyOf(r), value)
	}
	done(r, err)
}

func regenerate(r *ghttp.Request) {
	able, ok := any(r.Session).(regenerator)
	if !ok {
		done(r, fmt.Errorf("this GoFrame has no RegenerateId"))
		return
	}
	_, err := able.RegenerateId(true)
	done(r, err)
}

func done(r *ghttp.Request, err error) {
	if err != nil {
		r.Response.WriteStatus(http.StatusInternalServerError, err.Error())
		return
	}
	r.Response.Write("ok")
}
