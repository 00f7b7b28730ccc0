package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"

	"github.com/gogf/gf/v2/frame/g"
	"github.com/gogf/gf/v2/net/ghttp"
	"github.com/gogf/gf/v2/os/gtime"
)

// serve runs one server for each of the places, a JSON object from name to place, tells their ports
// in one line of JSON, and stops when its input ends.
func serve(options string, in io.Reader, out io.Writer) error {
	var places map[string]place
	if err := json.Unmarshal([]byte(options), &places); err != nil {
		return err
	}
	ports := map[string]int{}
	for name, p := range places {
		server, err := p.server(name)
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

func (p place) server(name string) (*ghttp.Server, error) {
	storage, err := p.open()
	if err != nil {
		return nil, err
	}
	server := g.Server(name)
	server.SetAddr("127.0.0.1:0")
	server.SetDumpRouterMap(false)
	server.SetAccessLogEnabled(false)
	server.SetErrorLogEnabled(false)
	server.SetLogStdout(false)
	server.SetSessionMaxAge(p.ttl())
	server.SetSessionStorage(storage)
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
