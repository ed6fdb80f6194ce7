package legacy

import (
	"strings"
	"testing"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/secret"
)

const origin = "DATABASE_URL (/etc/app/.env.production:3)"

// read is what was understood of a URL.
type read struct {
	address, user, password, database string
	params                            params
}

func TestParseDSN(t *testing.T) {
	usual := params{sslMode: "prefer", channelBinding: "prefer"}
	with := func(change func(p *params)) params { p := usual; change(&p); return p }
	for raw, want := range map[string]read{
		"postgresql://u:p@db:6432/app":                    {"db:6432", "u", "p", "app", usual},
		"postgres://u:p@db/app":                           {"db:5432", "u", "p", "app", usual},
		"postgresql://u@db.example.com/app":               {"db.example.com:5432", "u", "", "app", usual},
		"postgresql://u:@my_db-1/app":                     {"my_db-1:5432", "u", "", "app", usual},
		"postgresql://u:a:b@db/app":                       {"db:5432", "u", "a:b", "app", usual},
		"postgresql://u:a^b|{c}+d$&!é@db/app":             {"db:5432", "u", "a^b|{c}+d$&!é", "app", usual},
		"postgresql://u%40x:p%2F%3F%23%25@db/a%20b":       {"db:5432", "u@x", "p/?#%", "a b", usual},
		"postgresql://u:p@[::1]:5433/app":                 {"[::1]:5433", "u", "p", "app", usual},
		"postgresql://u:p@[fe80::1]/app":                  {"[fe80::1]:5432", "u", "p", "app", usual},
		"postgresql://u:p@/app?host=/run/pg":              {"/run/pg", "u", "p", "app", usual},
		"postgresql://u:p@localhost/app?host=%2Frun%2Fpg": {"/run/pg", "u", "p", "app", usual},
		"postgresql://u:p@%2Frun%2Fpg:5433/app":           {"/run/pg", "u", "p", "app", usual},
		"postgresql://u:p@db/app?schema=Tenant1&connection_limit=5&pool_timeout=0&pgbouncer=true&connect_timeout=30&socket_timeout=9&statement_cache_size=0&application_name=x&target_session_attrs=read-write": {
			"db:5432", "u", "p", "app", with(func(p *params) { p.schema = "Tenant1" })},
		"postgresql://u:p@db/app?sslmode=require&sslaccept=strict&sslcert=%2Fca.pem&channel_binding=require": {
			"db:5432", "u", "p", "app", params{sslMode: "require", strict: true, rootCert: "/ca.pem", channelBinding: "require"}},
		"postgresql://u:p@db/app?sslmode=verify-full&sslrootcert=system&sslaccept=accept_invalid_certs": {
			"db:5432", "u", "p", "app", params{sslMode: "verify-full", rootCert: "system", channelBinding: "prefer"}},
	} {
		t.Run(raw, func(t *testing.T) {
			d, err := parseDSN(secret.NewValue(raw), origin)
			if err != nil {
				t.Fatal(err)
			}
			if got := (read{d.address(), d.user, d.password.Reveal(), d.database, d.params}); got != want {
				t.Errorf("got %+v, want %+v", got, want)
			}
		})
	}
}

func TestParseDSNRefuses(t *testing.T) {
	// Every URL holds the canary in its password, whole or cut by a character that should have been encoded.
	const ambiguous = "can be read in more than one way"
	for raw, want := range map[string]string{
		"":                        "is not a postgresql:// URL",
		"mysql://u:c4n4ry@db/app": "is not a postgresql:// URL",
		"host=db user=u password=c4n4ry dbname=app":                 "is not a postgresql:// URL",
		"host=db password=x c4n4ry":                                 "is not a postgresql:// URL",
		"c4n4ry":                                                    "is not a postgresql:// URL",
		"POSTGRESQL://u:c4n4ry@db/app":                              "is not a postgresql:// URL",
		"postgresql://u:c4n4ry x@db/app":                            "holds white space or a control character",
		"postgresql://u:c4n4ry\x00@db/app":                          "holds white space or a control character",
		"postgresql://u:c4n4ry@db/app\n":                            "holds white space or a control character",
		"postgresql://db/app?password=c4n4ry":                       "names no user",
		"postgresql://u:12c4n4ry":                                   "names no user",
		"postgresql://:c4n4ry@db/app":                               "names no user",
		"postgresql://u:x@c4n4ry@db/app":                            ambiguous,
		"postgresql://u:c4n4ry@@db/app":                             ambiguous,
		"postgresql://u:x/c4n4ry@db/app":                            ambiguous,
		"postgresql://u:12/c4n4ry@db/app":                           ambiguous,
		"postgresql://u:12?c4n4ry@db/app":                           ambiguous,
		"postgresql://u:12?c4n4ry=x@db/app":                         ambiguous,
		"postgresql://u:12#c4n4ry@db/app":                           ambiguous,
		"postgresql://u:x@12/c4n4ry@db/app":                         ambiguous,
		"postgresql://u:c4n4ry@db/app#x":                            ambiguous,
		"postgresql://u:c4n4ry%@db/app":                             "begins no percent-encoded character",
		"postgresql://u:c4n4ry%zz@db/app":                           "begins no percent-encoded character",
		"postgresql://u:c4n4ry%00@db/app":                           "begins no percent-encoded character",
		"postgresql://u:c4n4ry@db:port/app":                         "has no port between 1 and 65535",
		"postgresql://u:c4n4ry@db:0/app":                            "has no port between 1 and 65535",
		"postgresql://u:c4n4ry@db:65536/app":                        "has no port between 1 and 65535",
		"postgresql://u:c4n4ry@a,b/app":                             "names several hosts",
		"postgresql://u:c4n4ry@[::g]/app":                           "no valid IPv6 address",
		"postgresql://u:c4n4ry@[::1/app":                            "no valid IPv6 address",
		"postgresql://u:c4n4ry@[fe80::1%25eth0]/app":                "no valid IPv6 address",
		"postgresql://u:c4n4ry@d$b/app":                             "names a host that cannot be one",
		"postgresql://u:c4n4ry@/app":                                "names no host",
		"postgresql://u:c4n4ry@db":                                  "names no database",
		"postgresql://u:c4n4ry@db/":                                 "names no database",
		"postgresql://u:c4n4ry@db/a/b":                              "names no database",
		"postgresql://u:c4n4ry@db/app?sslmode=maybe":                "has the parameter sslmode with a value that is none of disable, allow,",
		"postgresql://u:c4n4ry@db/app?sslidentity=x":                "the parameter sslidentity, but client certificates are not supported",
		"postgresql://u:x@db/app?sslpassword=c4n4ry":                "the parameter sslpassword, but client certificates are not supported",
		"postgresql://u:c4n4ry@db/app?options=-cx":                  "has the parameter options, which is not understood",
		"postgresql://u:x@db/app?password=c4n4ry":                   "has the parameter password, which is not understood",
		"postgresql://u:x@db/app?C4n4ry-c4n4ry=1":                   "has a parameter that is not understood",
		"postgresql://u:x@db/app?a=%zzc4n4ry":                       "has a parameter that cannot be read",
		"postgresql://u:c4n4ry@db/app?schema=":                      "has the parameter schema with a value that cannot be used",
		"postgresql://u:c4n4ry@db/app?schema=a&schema=b":            "has the parameter schema more than once",
		"postgresql://u:c4n4ry@db/app?host=other":                   "the absolute path of a socket's directory",
		"postgresql://u:c4n4ry@db/app?target_session_attrs=standby": "none of any, read-write, primary",
	} {
		t.Run(raw, func(t *testing.T) {
			_, err := parseDSN(secret.NewValue(raw), origin)
			if err == nil {
				t.Fatal("accepted")
			}
			if fault.KindOf(err) != fault.Refused || !strings.Contains(err.Error(), origin+": ") || !strings.Contains(err.Error(), want) {
				t.Errorf("error %q does not say %q", err, want)
			}
			if strings.Contains(strings.ToLower(err.Error()), "c4n4ry") {
				t.Errorf("error %q quotes the URL", err)
			}
		})
	}
}

func TestParseDSNSaysEverything(t *testing.T) {
	_, err := parseDSN(secret.NewValue("postgresql://u:%@a,b/?sslmode=x&foo=1"), origin)
	if n := len(fault.ProblemsOf(err)); n != 5 {
		t.Errorf("%d problems: %v", n, err)
	}
}

// FuzzParseDSN makes sure that no URL breaks the parser, and that what stands where the password begins is never taken
// for anything that is shown.
func FuzzParseDSN(f *testing.F) {
	for _, seed := range [][2]string{
		{"", "@db:5432/app?schema=public&sslmode=require"}, {"12/", "@db/app"}, {"12?", "=x@db/app?a=b"}, {"", "#@db/a"}, {"", "%@db/a"}, {"%", "@[::1]/a"},
		{"", "@/a?host=/run"}, {"", "@%2Frun/a"}, {"", "@x@db/a"}, {"", "@db:99999999999999999999/a"}, {"", ""}, {"1", "/@"}, {":", "@,/a/b?sslmode=&sslmode="},
	} {
		f.Add(seed[0], seed[1])
	}
	const word = "canary_secret"
	f.Fuzz(func(t *testing.T, head, tail string) {
		if strings.Contains(head, "@") {
			return // the word is no longer in the password
		}
		d, err := parseDSN(secret.NewValue("postgresql://u:"+head+word+tail), origin)
		switch {
		case err == nil && (d.host == "" || d.port == 0 || d.database == "" || d.user != "u"):
			t.Fatalf("accepted without a part: %s", d.address())
		case err == nil && strings.Contains(d.address()+d.database+d.params.schema, word):
			t.Fatal("a part of the password was taken for something else")
		case err != nil && (fault.KindOf(err) != fault.Refused || strings.Contains(err.Error(), word)):
			t.Fatal(err)
		}
	})
}
