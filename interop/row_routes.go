package main

import (
	"net/http"

	"github.com/gogf/gf/v2/net/ghttp"
)

// bindRowRoutes adds what the tests of GoFrame's behaviours ask for, one by one. The Node server of
// those tests has the same routes.
func bindRowRoutes(server *ghttp.Server, name string, storage *noted) {
	server.BindHandler("/read", readAll)
	server.BindHandler("/start-with/{key}", func(r *ghttp.Request) {
		err := r.Session.SetId(keyOf(r))
		if err == nil {
			err = r.Session.Set("a", 1)
		}
		done(r, err)
	})
	server.BindHandler("/login", func(r *ghttp.Request) {
		_ = r.Session.Set("user", "Ann")
		r.Response.RedirectTo("/get", http.StatusFound)
	})
	server.BindHandler("/set-until-gone", func(r *ghttp.Request) {
		_ = r.Session.Set("user", "Ann")
		<-r.Context().Done()
	})
	server.BindHandler("/set-function", func(r *ghttp.Request) {
		_ = r.Session.Set("user", "Ann")
		done(r, r.Session.Set("bad", func() {}))
	})
	server.BindHandler("/logout", func(r *ghttp.Request) {
		err := r.Session.RemoveAll()
		r.Cookie.Remove(name)
		done(r, err)
	})
	server.BindHandler("/saves", func(r *ghttp.Request) { r.Response.WriteJson(storage.saves()) })
}

// readAll calls what a handler can call that sets nothing.
func readAll(r *ghttp.Request) {
	key := "user"
	value := r.Session.MustGet(key)
	data, size := r.Session.MustData(), r.Session.MustSize()
	contains := r.Session.MustContains(key)
	r.Session.MustRemove(key)
	if err := r.Session.RemoveAll(); err != nil {
		done(r, err)
		return
	}
	r.Response.WriteJson([]any{value.Val(), data, size, contains})
}
