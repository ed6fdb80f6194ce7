package config

import (
	"errors"
	"fmt"
	"net/textproto"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/itchyny/gojq"

	"github.com/capakraken/fairlead/internal/workload"
)

// placeholder is the host part of a status address: the container's own address is put in its place, so that an old
// container or a proxy can never answer for the new one.
const placeholder = "{container}"

// headerName is a token of RFC 9110.
var headerName = regexp.MustCompile("^[A-Za-z0-9!#$%&'*+.^_`|~-]+$")

// readCheck reads how one service proves itself.
func readCheck(f field) workload.Check {
	m := f.only("url", "exec", "health", "query", "headers", "public_url", "successes", "attempt_timeout", "stay_up")
	check := defaultCheck()
	check.URL = m.get("url").containerURL()
	check.Exec = readExec(m.get("exec"))
	check.Health = readHealth(m.get("health"))
	check.Query = readQuery(m.get("query"))
	check.Headers = readHeaders(m.get("headers"))
	check.PublicURL = m.get("public_url").publicURL()
	check.Successes = m.get("successes").number(check.Successes, 1, 100)
	check.Attempt = m.get("attempt_timeout").duration(check.Attempt, 50*time.Millisecond, time.Minute)
	if check.Reports() || check.Health {
		check.StayUp = 0 // its answers decide, unless it is asked to stay up as well
	}
	check.StayUp = m.get("stay_up").duration(check.StayUp, 0, time.Hour)
	m.oneWay()
	if check.Reports() && check.Query == "" {
		check.Query = "."
	}
	return check
}

// oneWay makes sure that a service has at most one way of proving itself, and only the keys that belong to it.
func (m mapping) oneWay() {
	var ways []string
	for _, key := range []string{"url", "exec", "health"} {
		if m.has(key) {
			ways = append(ways, key)
		}
	}
	if len(ways) > 1 {
		m.bad("sets "+strings.Join(ways, " and "), "keep one: a service proves itself in one way")
		return
	}
	belongs := map[string][]string{"query": {"url", "exec"}, "headers": {"url"}, "public_url": {"url", "exec"}}
	for _, key := range []string{"query", "headers", "public_url"} {
		if m.has(key) && !slices.ContainsFunc(belongs[key], m.has) {
			m.get(key).bad("has nothing to apply to", "add "+strings.Join(belongs[key], " or ")+", or take the key out")
		}
	}
}

// containerURL returns a status address whose host is the placeholder.
func (f field) containerURL() string {
	s := f.text()
	if s == "" {
		return ""
	}
	scheme, rest, _ := strings.Cut(s, "://")
	after, ok := strings.CutPrefix(rest, placeholder)
	if (scheme != "http" && scheme != "https") || !ok || strings.Contains(after, placeholder) || (after != "" && !strings.ContainsRune(":/?", rune(after[0]))) {
		f.bad("must ask the container itself", "write http://"+placeholder+":PORT/PATH, with exactly "+placeholder+" as the host")
		return ""
	}
	f.checkURL(scheme + "://container" + after)
	return s
}

// publicURL returns an address that is asked besides the container's own.
func (f field) publicURL() string {
	s := f.text()
	switch {
	case s == "":
	case strings.Contains(s, placeholder):
		f.bad("must be an address that people use", "write it out: "+placeholder+" belongs into url")
	default:
		f.checkURL(s)
	}
	return s
}

// checkURL records what is wrong with an address, without quoting it: it might hold a password.
func (f field) checkURL(s string) {
	u, err := url.Parse(s)
	switch {
	case err != nil || u.Opaque != "" || (u.Scheme != "http" && u.Scheme != "https") || u.Hostname() == "":
		f.bad("is not an address", "write http://HOST:PORT/PATH or https://…")
	case u.User != nil:
		f.bad("holds a user or a password", "send it in a header from a variable: headers: {Authorization: {env: NAME, prefix: …}}")
	case u.Fragment != "":
		f.bad("has a fragment, which no server ever sees", "take the # and what follows it out")
	case !validPort(u):
		f.bad("has no valid port", "write one from 1 to 65535, or none")
	}
}

func validPort(u *url.URL) bool {
	if u.Port() == "" {
		return !strings.HasSuffix(u.Host, ":")
	}
	n, err := strconv.Atoi(u.Port())
	return err == nil && n >= 1 && n <= 65535
}

func readExec(f field) []string {
	if f.isEmptyList() {
		f.bad("names no command", "write it as a list, such as [node, scripts/status.js]")
	}
	return f.texts()
}

func readHealth(f field) bool {
	s := f.text()
	if s != "" && s != "docker" {
		f.bad("is not a kind of health check", "write health: docker, for the one that the Engine runs")
	}
	return s == "docker"
}

// readQuery returns a jq expression that compiles.
func readQuery(f field) string {
	s := f.text()
	if s == "" {
		return ""
	}
	const fix = `write an expression whose result is {healthy, version, secrets: [{name, source, present}]}`
	query, err := gojq.Parse(s)
	if err != nil {
		what := "is not a jq expression"
		if e, ok := errors.AsType[*gojq.ParseError](err); ok {
			what = fmt.Sprintf("is not a jq expression: it goes wrong at byte %d of %d", e.Offset, len(s))
		}
		f.bad(what, fix)
		return ""
	}
	if _, err := gojq.Compile(query); err != nil {
		f.bad("uses a function or a variable that is not defined, or one that reads from elsewhere than the answer", fix)
		return ""
	}
	return s
}

func readHeaders(f field) []workload.Header {
	var headers []workload.Header
	for name, entry := range f.mapping().all {
		h := workload.Header{Name: textproto.CanonicalMIMEHeaderKey(name)}
		switch {
		case !headerName.MatchString(name):
			entry.bad("is not the name of a header", "use letters, digits and hyphens")
		case slices.Contains([]string{"Host", "Content-Length", "Transfer-Encoding", "Connection"}, h.Name):
			entry.bad("is a header that cannot be chosen", "take it out")
		case slices.ContainsFunc(headers, func(o workload.Header) bool { return o.Name == h.Name }):
			entry.bad("is set twice, since headers differ in more than case", "keep one")
		}
		if entry.isText() {
			entry.bad("is written out here", "name the variable that holds the value: {env: NAME, prefix: …}")
			continue
		}
		m := entry.only("env", "prefix")
		h.Env = m.need("env", "name the variable that holds the value").variable()
		h.Prefix = m.get("prefix").text()
		if strings.ContainsFunc(h.Prefix, func(r rune) bool { return r < ' ' || r > '~' }) {
			m.get("prefix").bad("holds a character that a header cannot carry", `use plain ASCII, such as "Bearer "`)
		}
		headers = append(headers, h)
	}
	return headers
}
