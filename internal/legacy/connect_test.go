package legacy

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/secret"
)

func target(dsn string) Target {
	return Target{App: "capakraken", DSN: secret.NewValue(dsn), DSNOrigin: origin, Table: "SystemSettings", RowColumn: "id", RowValue: "singleton",
		Columns: []Column{{Secret: "smtp", Column: "smtpPassword"}}}
}

func TestTheDaemonsEnvironmentCountsForNothing(t *testing.T) {
	home := t.TempDir()
	passfile := filepath.Join(home, "pgpass")
	if err := os.WriteFile(passfile, []byte("*:*:*:*:c4n4ry\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{
		"HOME": home, "PGPASSFILE": passfile, "PGPASSWORD": "c4n4ry", "PGHOST": "c4n4ry", "PGPORT": "1", "PGUSER": "c4n4ry", "PGDATABASE": "c4n4ry",
		"PGAPPNAME": "c4n4ry", "PGOPTIONS": "-c search_path=c4n4ry", "PGTZ": "c4n4ry", "PGSSLMODE": "c4n4ry", "PGSSLROOTCERT": "/c4n4ry", "PGSSLCERT": "/c4n4ry",
		"PGSSLKEY": "/c4n4ry", "PGSSLCERTMODE": "", "PGSSLNEGOTIATION": "direct", "PGTARGETSESSIONATTRS": "standby", "PGCHANNELBINDING": "require",
		"PGREQUIREAUTH": "none", "PGMINPROTOCOLVERSION": "latest", "PGMAXPROTOCOLVERSION": "c4n4ry", "PGCONNECT_TIMEOUT": "c4n4ry", "PGSERVICEFILE": "/c4n4ry", "PGSSLSNI": "0",
	} {
		t.Setenv(name, value)
	}
	t1 := target("postgresql://u@db:6432/app?sslmode=disable")
	d, err := parseDSN(t1.DSN, t1.DSNOrigin)
	if err != nil {
		t.Fatal(err)
	}
	c, err := New(Options{}).configure(t1, d)
	if err != nil {
		t.Fatal(err)
	}
	got := []any{c.Host, c.Port, c.User, c.Password, c.Database, c.TLSConfig == nil, len(c.Fallbacks), c.SSLNegotiation, c.ChannelBinding, c.RequireAuth,
		c.MinProtocolVersion, c.MaxProtocolVersion, c.ValidateConnect == nil, c.RuntimeParams}
	want := []any{"db", uint16(6432), "u", "", "app", true, 0, "", "prefer", "", "3.0", "3.0", true, map[string]string{"application_name": "fairlead capakraken"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	t.Run("but a service cannot be overruled", func(t *testing.T) {
		t.Setenv("PGSERVICE", "c4n4ry")
		_, err := New(Options{}).configure(t1, d)
		wantFault(t, err, fault.Internal, "must not set PGSERVICE")
	})
}

func TestNoPasswordInThePrintedConfiguration(t *testing.T) {
	t1 := target("postgresql://u:c4n4ry@db:6432/app")
	d, err := parseDSN(t1.DSN, t1.DSNOrigin)
	if err != nil {
		t.Fatal(err)
	}
	text, _ := json.Marshal(t1)
	if s := fmt.Sprintf("%v %+v %#v %s %+v", t1, t1, t1, text, d); strings.Contains(s, "c4n4ry") {
		t.Error("the password can be printed")
	}
}

func TestEncryption(t *testing.T) {
	roots := filepath.Join(t.TempDir(), "ca.pem")
	certificate, _, err := keyPair()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(roots, certificate, 0o600); err != nil {
		t.Fatal(err)
	}
	for query, want := range map[string]string{
		"sslmode=disable":                  "plain",
		"":                                 "unverified, plain",
		"sslmode=allow":                    "plain, unverified",
		"sslmode=require":                  "unverified",
		"sslmode=require&sslcert=" + roots: "chain",
		"sslmode=verify-ca":                "chain",
		"sslmode=verify-full":              "full",
		"sslmode=verify-full&sslrootcert=" + roots:           "full",
		"sslmode=require&sslaccept=strict":                   "full",
		"sslmode=disable&sslaccept=strict":                   "full",
		"sslrootcert=system":                                 "full",
		"sslmode=require&sslaccept=accept_invalid_certs":     "unverified",
		"host=/run/postgresql&sslmode=require&sslcert=/none": "plain",
	} {
		t.Run(query, func(t *testing.T) {
			d, err := parseDSN(secret.NewValue("postgresql://u:p@db/app?"+query), origin)
			if err != nil {
				t.Fatal(err)
			}
			ways, err := d.encryption(origin)
			if err != nil {
				t.Fatal(err)
			}
			if got := describe(ways); got != want {
				t.Errorf("got %s, want %s", got, want)
			}
		})
	}
}

func describe(ways []*tls.Config) string {
	var names []string
	for _, w := range ways {
		switch {
		case w == nil:
			names = append(names, "plain")
		case w.ServerName != "db":
			names = append(names, "for another host")
		case !w.InsecureSkipVerify:
			names = append(names, "full")
		case w.VerifyConnection != nil:
			names = append(names, "chain")
		default:
			names = append(names, "unverified")
		}
	}
	return strings.Join(names, ", ")
}

func TestRootCertificateThatCannotBeUsed(t *testing.T) {
	dir := t.TempDir()
	text := filepath.Join(dir, "text")
	if err := os.WriteFile(text, []byte("hello"), 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{filepath.Join(dir, "none"): "cannot be read on this host", dir: "cannot be read", "/dev/zero": "cannot be read", text: "not in PEM form"} {
		t1 := target("postgresql://u:c4n4ry@db/app?sslmode=verify-full&sslrootcert=" + path)
		_, err := New(Options{}).Inspect(t.Context(), t1, nil)
		wantFault(t, err, fault.Refused, want)
	}
}

func TestResolve(t *testing.T) {
	asked := ""
	answer := []netip.Addr{netip.MustParseAddr("172.18.0.2"), netip.MustParseAddr("fd00::2")}
	d := New(Options{Lookup: func(_ context.Context, host string) ([]netip.Addr, error) { asked = host; return answer, nil }})
	got, err := d.resolve(t.Context(), "postgres")
	if err != nil || cmp.Diff([]string{"172.18.0.2", "fd00::2"}, got) != "" || asked != "postgres" {
		t.Errorf("%v, %v", got, err)
	}
	answer = nil
	if got, err := d.resolve(t.Context(), "localhost"); err != nil || len(got) == 0 {
		t.Errorf("the host's resolver was not asked: %v, %v", got, err)
	}
	asked = ""
	if got, err := d.resolve(t.Context(), "::1"); err != nil || asked != "" || got[0] != "::1" {
		t.Errorf("an address was looked up: %v, %v", got, err)
	}
}

func TestNoConnection(t *testing.T) {
	lookup := func(addr string, err error) func(context.Context, string) ([]netip.Addr, error) {
		return func(context.Context, string) ([]netip.Addr, error) {
			if err != nil {
				return nil, err
			}
			return []netip.Addr{netip.MustParseAddr(addr)}, nil
		}
	}
	for name, c := range map[string]struct {
		dsn    string
		lookup func(context.Context, string) ([]netip.Addr, error)
		kind   fault.Kind
		text   string
	}{
		"refused":     {"postgresql://u:c4n4ry@db:1/app", lookup("127.0.0.1", nil), fault.Unavailable, origin + ": the database server at db:1 refuses the connection"},
		"unknown":     {"postgresql://u:c4n4ry@nobody.invalid/app", nil, fault.Unavailable, "cannot be found"},
		"no lookup":   {"postgresql://u:c4n4ry@db/app", lookup("", fault.New(fault.Unavailable, "the Engine does not answer")), fault.Unavailable, "host db: the Engine does not answer"},
		"foreign":     {"postgresql://u:c4n4ry@db/app", lookup("", errors.New("c4n4ry")), fault.Unavailable, "the database server at db:5432 "},
		"no socket":   {"postgresql://u:c4n4ry@/app?host=/nowhere", nil, fault.Unavailable, "at /nowhere has no socket there"},
		"bad address": {"postgresql://u:x@c4n4ry@db/app", nil, fault.Refused, "more than one way"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := New(Options{Lookup: c.lookup}).Inspect(t.Context(), target(c.dsn), nil)
			wantFault(t, err, c.kind, c.text)
			_, err = New(Options{Lookup: c.lookup}).Clear(t.Context(), target(c.dsn), nil, func([]secret.Residue) error { t.Error("asked"); return nil })
			wantFault(t, err, c.kind, "no legacy value was cleared")
		})
	}
	t.Run("interrupted", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := New(Options{}).Inspect(ctx, target("postgresql://u:c4n4ry@127.0.0.1:1/app"), nil)
		wantFault(t, err, fault.Unavailable, "interrupted")
	})
}

// TestServersThatAreNone makes sure that what answers in another way than PostgreSQL is named, and waited for no longer
// than ctx says.
func TestServersThatAreNone(t *testing.T) {
	for name, c := range map[string]struct {
		answer string
		query  string
		kind   fault.Kind
		text   string
	}{
		"no TLS":    {"N", "sslmode=require", fault.Unavailable, "does not speak TLS, which the sslmode of the URL demands"},
		"bad TLS":   {"Snonsense", "sslmode=verify-full", fault.Unavailable, "the database server at 127.0.0.1:"},
		"another":   {"HTTP/1.1 400 c4n4ry\r\n\r\n", "sslmode=disable", fault.Unavailable, "the database server at 127.0.0.1:"},
		"hangs up":  {"", "sslmode=disable", fault.Unavailable, "has closed the connection"},
		"is silent": {"-", "sslmode=disable", fault.TimedOut, "does not answer in time"},
	} {
		t.Run(name, func(t *testing.T) {
			l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = l.Close() })
			go answerAll(t.Context(), l, c.answer)
			ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
			defer cancel()
			_, err = New(Options{}).Inspect(ctx, target("postgresql://u:c4n4ry@"+l.Addr().String()+"/app?"+c.query), nil)
			wantFault(t, err, c.kind, c.text)
		})
	}
}

// answerAll says answer on every connection once it is asked for something; "-" stands for saying nothing.
func answerAll(ctx context.Context, l net.Listener, answer string) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		_, _ = c.Read(make([]byte, 512))
		if answer == "-" {
			<-ctx.Done()
		}
		_, _ = c.Write([]byte(answer))
		_ = c.Close()
	}
}

func TestTargetIsChecked(t *testing.T) {
	bad := Target{RowColumn: "id", RowValue: "x\x00", Columns: []Column{
		{Secret: "a", Column: "x"}, {Secret: "b", Column: "x"}, {Secret: "c"}, {Secret: "d", Column: "id"}, {Secret: "e", Column: "y", OnMismatch: "perhaps"}}}
	_, err := New(Options{}).Inspect(t.Context(), bad, nil)
	if n := len(fault.ProblemsOf(err)); n != 6 {
		t.Errorf("%d problems: %v", n, err)
	}
	_, err = New(Options{}).Inspect(t.Context(), Target{Table: "t", RowColumn: "id"}, nil)
	wantFault(t, err, fault.Refused, "no secret names a legacy column")
}

// wantFault fails the test unless err is a fault of kind k that says text and no secret.
func wantFault(t *testing.T, err error, k fault.Kind, text string) {
	t.Helper()
	if err == nil {
		t.Fatal("no error")
	}
	if fault.KindOf(err) != k {
		t.Errorf("kind %s, want %s: %v", fault.KindOf(err), k, err)
	}
	if !strings.Contains(err.Error(), text) {
		t.Errorf("error %q does not say %q", err, text)
	}
	if strings.Contains(err.Error(), "c4n4ry") {
		t.Errorf("error %q holds a secret", err)
	}
}
