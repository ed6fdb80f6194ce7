package legacy

import (
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/secret"
)

// dsn is an understood connection URL.
type dsn struct {
	host     string // a name, an address, or the absolute path of a socket's directory
	port     uint16
	user     string
	password secret.Value
	database string
	params   params
}

// address returns the server for people.
func (d dsn) address() string {
	if d.socket() {
		return d.host
	}
	return net.JoinHostPort(d.host, strconv.Itoa(int(d.port)))
}

func (d dsn) socket() bool { return strings.HasPrefix(d.host, "/") }

// How to mend a connection URL.
const (
	formFix   = "write it as postgresql://USER:PASSWORD@HOST:PORT/DATABASE"
	encodeFix = "in the user and the password write @ as %40, / as %2F, ? as %3F, # as %23, : as %3A and % as %25"
)

// parseDSN reads a connection URL. It is read here and not by a library, because the words of url.Parse and of the
// driver quote what they do not understand, and because in a URL with a special character in its password, a part of
// the password would be taken for the host, the port or the database, and then be shown. So a URL that could be cut in
// more than one way is refused.
func parseDSN(v secret.Value, origin string) (dsn, error) {
	d, problems := cutDSN(v.Reveal())
	for i := range problems {
		problems[i].Where = origin
	}
	return d, fault.Many(fault.Refused, "the database URL cannot be used", problems)
}

func cutDSN(raw string) (dsn, []fault.Problem) {
	rest, ok := strings.CutPrefix(raw, "postgresql://")
	if !ok {
		rest, ok = strings.CutPrefix(raw, "postgres://")
	}
	if !ok {
		return dsn{}, wrong("is not a postgresql:// URL", formFix)
	}
	if strings.ContainsFunc(rest, func(r rune) bool { return r <= ' ' || r == 0x7f }) {
		return dsn{}, wrong("holds white space or a control character", formFix)
	}
	end := len(rest)
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		end = i
	}
	authority, tail := rest[:end], rest[end:]
	switch {
	case !strings.Contains(rest, "@"):
		return dsn{}, wrong("names no user", formFix)
	case strings.Count(rest, "@") > 1, !strings.Contains(authority, "@"), strings.Contains(tail, "#"):
		return dsn{}, wrong("can be read in more than one way: a special character of the user or the password is not percent-encoded", encodeFix)
	}
	userinfo, hostport, _ := strings.Cut(authority, "@")
	path, query, _ := strings.Cut(tail, "?")
	var d dsn
	problems := d.readLogin(userinfo)
	problems = append(problems, d.readServer(hostport)...)
	problems = append(problems, d.readDatabase(path)...)
	problems = append(problems, d.readParams(query)...)
	if d.host == "" && len(problems) == 0 {
		problems = wrong("names no host", formFix)
	}
	return d, problems
}

func (d *dsn) readLogin(userinfo string) []fault.Problem {
	name, word, _ := strings.Cut(userinfo, ":")
	user, ok := unescape(name)
	password, ok2 := unescape(word)
	switch {
	case !ok || !ok2:
		return wrong("has a % in the user or the password that begins no percent-encoded character", encodeFix)
	case user == "":
		return wrong("names no user", formFix)
	}
	d.user, d.password = user, secret.NewValue(password)
	return nil
}

// hostName matches what a DNS name may be made of, and underscores, which container names have.
var hostName = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9._-]*$`)

func (d *dsn) readServer(hostport string) []fault.Problem {
	if strings.Contains(hostport, ",") {
		return wrong("names several hosts", "name the primary only")
	}
	host, port := hostport, ""
	if i := strings.LastIndexByte(hostport, ':'); i > strings.LastIndexByte(hostport, ']') {
		host, port = hostport[:i], hostport[i+1:]
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if port == "" {
		n, err = 5432, nil
	}
	if err != nil || n == 0 {
		return wrong("has no port between 1 and 65535 behind the host", encodeFix)
	}
	d.port = uint16(n)
	if inner, ok := strings.CutPrefix(host, "["); ok {
		inner, closed := strings.CutSuffix(inner, "]")
		if a, err := netip.ParseAddr(inner); err != nil || !closed || a.Zone() != "" {
			return wrong("has no valid IPv6 address between its brackets", formFix)
		}
		d.host = inner
		return nil
	}
	host, ok := unescape(host)
	if !ok || host != "" && !hostName.MatchString(host) && !strings.HasPrefix(host, "/") {
		return wrong("names a host that cannot be one", formFix)
	}
	d.host = host
	return nil
}

func (d *dsn) readDatabase(path string) []fault.Problem {
	name, ok := unescape(strings.TrimPrefix(path, "/"))
	if !ok || name == "" || strings.Contains(path, "//") || strings.Count(path, "/") > 1 {
		return wrong("names no database behind the host", formFix)
	}
	d.database = name
	return nil
}

// unescape decodes percent-encoded characters. NUL is never one that is meant.
func unescape(s string) (string, bool) {
	out, err := url.PathUnescape(s)
	return out, err == nil && !strings.ContainsRune(out, 0)
}

func wrong(what, fix string) []fault.Problem { return []fault.Problem{{What: what, Fix: fix}} }
