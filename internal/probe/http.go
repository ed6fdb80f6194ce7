package probe

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/workload"
)

// host stands in a check's URL for the container's address.
const host = "{container}"

// maxHeader is how many bytes the header of an answer may have.
const maxHeader = 64 << 10

// client returns an HTTP client that goes exactly where it is sent: by no proxy of our environment, after no redirect,
// with no cookie, on a new connection each time, and that takes the body as it comes.
func client(d *net.Dialer) *http.Client {
	return &http.Client{
		Transport: &http.Transport{
			DialContext:            d.DialContext,
			DisableKeepAlives:      true,
			DisableCompression:     true, // else a small answer could unpack to a huge one
			MaxResponseHeaderBytes: maxHeader,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// insideURL returns the check's URL with the container's first address in it.
func insideURL(raw string, c workload.Container) (*url.URL, error) {
	if len(c.Addresses) == 0 {
		return nil, fault.New(fault.Unavailable, "container %s has no address yet", c.Name)
	}
	address := c.Addresses[0].String()
	literal := address
	if c.Addresses[0].Is6() {
		literal = "[" + address + "]"
	}
	u, err := url.Parse(strings.Replace(raw, host, literal, 1))
	if err != nil || !web(u) || u.Hostname() != address || !strings.Contains(raw, "://"+host) {
		return nil, refusal(c, "the verify url must be http://%s:PORT/PATH, so that only this container is asked", host)
	}
	return u, nil
}

// publicURL returns the parsed public address.
func publicURL(raw string, c workload.Container) (*url.URL, error) {
	u, err := url.Parse(raw)
	if err != nil || !web(u) {
		return nil, refusal(c, "public_url must be an http or https URL without a user or password")
	}
	return u, nil
}

func web(u *url.URL) bool {
	return (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" && u.User == nil
}

// shown returns the URL for people, without its query.
func shown(u *url.URL) string { return u.Host + u.EscapedPath() }

// ask gets the status at target, which errors call where.
func (p *Prober) ask(ctx context.Context, c *http.Client, target *url.URL, where string, l workload.Look) (workload.Answer, error) {
	req, err := request(ctx, target, l)
	if err != nil {
		return workload.Answer{}, err
	}
	resp, err := c.Do(req)
	if err != nil {
		return workload.Answer{}, failed(ctx, err, where)
	}
	defer func() { _ = resp.Body.Close() }()
	body, readErr := io.ReadAll(io.LimitReader(resp.Body, p.maxBody+1))
	// A leak is looked for first and in whatever came: an error page that shows the environment is one as well.
	if err := leak(l, where, headerText(resp.Header)+string(body)); err != nil {
		return workload.Answer{}, err
	}
	if err := accepted(resp, where); err != nil {
		return workload.Answer{}, err
	}
	if readErr != nil {
		return workload.Answer{}, failed(ctx, readErr, where)
	}
	return p.understand(ctx, l, where, body)
}

// request returns the GET with the check's headers.
func request(ctx context.Context, target *url.URL, l workload.Look) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, target.String(), nil)
	if err != nil {
		return nil, refusal(l.Container, "the verify url %s cannot be asked", shown(target))
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "fairlead")
	req.Header.Set("Cache-Control", "no-cache, no-store") // a proof is of now
	for _, h := range l.Check.Headers {
		v := l.Env.Value(h.Env)
		if v.IsEmpty() {
			return nil, refusal(l.Container, "the header %s needs the variable %s, which is missing or empty in the service's environment", h.Name, h.Env)
		}
		value := h.Prefix + v.Reveal()
		if strings.ContainsFunc(value, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }) {
			return nil, refusal(l.Container, "the variable %s holds a control character, so it cannot be sent as the header %s", h.Env, h.Name)
		}
		req.Header.Set(h.Name, value)
	}
	return req, nil
}

// accepted returns why the answer is none, judged by its status and header.
func accepted(resp *http.Response, where string) error {
	switch code := resp.StatusCode; {
	case code >= 300 && code < 400:
		return fault.New(fault.Unavailable, "%s: answers with a redirect (%d), which is never followed", where, code)
	case code == http.StatusUnauthorized, code == http.StatusForbidden:
		return fault.New(fault.Unavailable, "%s: answers %d %s (does the check send the right headers?)", where, code, http.StatusText(code))
	case code < 200 || code > 299:
		return fault.New(fault.Unavailable, "%s: answers %s", where, strings.TrimSpace(fmt.Sprintf("%d %s", code, http.StatusText(code))))
	}
	if e := resp.Header.Get("Content-Encoding"); e != "" && !strings.EqualFold(e, "identity") {
		return fault.New(fault.Unavailable, "%s: answers in a content encoding that was not asked for", where)
	}
	if age := resp.Header.Get("Age"); age != "" && strings.Trim(age, "0") != "" {
		return fault.New(fault.Unavailable, "%s: answers from a cache (it has an Age), so the answer may be an old one", where)
	}
	return nil
}

func headerText(h http.Header) string {
	var b strings.Builder
	_ = h.Write(&b) // a Builder takes everything
	return b.String()
}
