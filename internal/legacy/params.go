package legacy

import (
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/capakraken/fairlead/internal/fault"
)

// params are the parameters of a connection URL that change how we connect.
type params struct {
	schema         string
	sslMode        string // prefer unless the URL says otherwise
	strict         bool   // sslaccept=strict: the server's certificate must be valid for its name
	rootCert       string // a file, "system", or empty
	channelBinding string // prefer unless the URL says otherwise
}

// A rule is what a parameter may be. One without values and without a setter is understood and has no meaning here.
type rule struct {
	values []string // nil for any
	set    func(d *dsn, value string)
}

// ruleOf returns the rule of a parameter of Prisma's or of libpq's, and false for one that we do not understand. What
// tunes a pool or sets a timeout has no meaning for our two short connections, which have bounds of their own.
func ruleOf(name string) (rule, bool) {
	switch name {
	case "connection_limit", "pool_timeout", "pgbouncer", "statement_cache_size", "connect_timeout", "socket_timeout",
		"max_connection_lifetime", "max_idle_connection_lifetime", "single_use_connections", "application_name":
		return rule{}, true
	case "schema":
		return rule{set: func(d *dsn, v string) { d.params.schema = v }}, true
	case "host":
		return rule{set: func(d *dsn, v string) { d.host = v }}, true
	case "sslmode":
		return rule{[]string{"disable", "allow", "prefer", "require", "verify-ca", "verify-full"}, func(d *dsn, v string) { d.params.sslMode = v }}, true
	case "sslaccept":
		return rule{[]string{"strict", "accept_invalid_certs"}, func(d *dsn, v string) { d.params.strict = v == "strict" }}, true
	case "sslcert", "sslrootcert": // for Prisma, sslcert is the server's root certificate
		return rule{set: func(d *dsn, v string) { d.params.rootCert = v }}, true
	case "channel_binding":
		return rule{[]string{"disable", "prefer", "require"}, func(d *dsn, v string) { d.params.channelBinding = v }}, true
	case "target_session_attrs": // that the server takes writes is made sure of in any case
		return rule{values: []string{"any", "read-write", "primary"}}, true
	}
	return rule{}, false
}

// paramName matches what may be shown as the name of a parameter that nobody knows.
var paramName = regexp.MustCompile(`^[a-z_]{1,40}$`)

// readParams reads the query part of the URL.
func (d *dsn) readParams(query string) []fault.Problem {
	d.params = params{sslMode: "prefer", channelBinding: "prefer"}
	values, err := url.ParseQuery(query)
	if err != nil {
		return wrong("has a parameter that cannot be read", encodeFix)
	}
	var problems []fault.Problem
	for _, name := range slices.Sorted(maps.Keys(values)) {
		problems = append(problems, d.readParam(name, values[name])...)
	}
	return problems
}

func (d *dsn) readParam(name string, values []string) []fault.Problem {
	known, ok := ruleOf(name)
	value := values[0]
	switch {
	case name == "sslidentity", name == "sslpassword", name == "sslkey":
		return wrong("has the parameter "+name+", but client certificates are not supported", "use a URL without one for legacy.dsn")
	case !ok && paramName.MatchString(name):
		return wrong("has the parameter "+name+", which is not understood", "use a URL without it for legacy.dsn")
	case !ok:
		return wrong("has a parameter that is not understood", "use a URL without it for legacy.dsn")
	case len(values) > 1:
		return wrong("has the parameter "+name+" more than once", "")
	case known.values != nil && !slices.Contains(known.values, value):
		return wrong("has the parameter "+name+" with a value that is none of "+strings.Join(known.values, ", "), "")
	case strings.ContainsRune(value, 0), known.set != nil && value == "":
		return wrong("has the parameter "+name+" with a value that cannot be used", "")
	case name == "host" && !strings.HasPrefix(value, "/"):
		return wrong("has the parameter host with something else than the absolute path of a socket's directory", formFix)
	}
	if known.set != nil {
		known.set(d, value)
	}
	return nil
}
