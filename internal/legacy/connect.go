package legacy

import (
	"context"
	"net"
	"net/netip"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/capakraken/fairlead/internal/fault"
)

// The bounds of a connection.
const (
	dialTimeout    = 2 * time.Second // per address
	connectTimeout = 5 * time.Second // for all of it: name, addresses, TLS, login
	closeTimeout   = time.Second
	maxMessage     = 16 << 20 // bytes of one message of the server
)

// neutral is a connection string that names everything the driver would otherwise take from the daemon's environment,
// its home directory or a password file. What counts is set field by field afterwards.
const neutral = "host=localhost port=5432 user=nobody password=none database=none application_name=fairlead passfile='' " +
	"sslmode=disable sslcertmode=disable sslcert='' sslkey='' sslrootcert='' sslpassword='' sslsni=1 sslnegotiation='' connect_timeout=5 " +
	"target_session_attrs=any channel_binding=prefer require_auth='' min_protocol_version=3.0 max_protocol_version=3.0"

// session is one connection to a target's database.
type session struct {
	Target
	dsn    dsn
	conn   *pgx.Conn
	warned bool // by the server
}

// open connects to the target's database.
func (d *Database) open(ctx context.Context, t Target) (*session, error) {
	if err := t.check(); err != nil {
		return nil, err
	}
	parsed, err := parseDSN(t.DSN, t.DSNOrigin)
	if err != nil {
		return nil, err
	}
	if t.Schema == "" {
		t.Schema = parsed.params.schema
	}
	if t.Schema == "" {
		t.Schema = "public"
	}
	config, err := d.configure(t, parsed)
	if err != nil {
		return nil, err
	}
	s := &session{Target: t, dsn: parsed}
	config.OnNotice = s.heed
	bounded, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	if s.conn, err = pgx.ConnectConfig(bounded, config); err != nil {
		return nil, s.explain(ctx, err)
	}
	return s, nil
}

// close ends the connection. A transaction that is still open is rolled back first, since PgBouncer would otherwise have
// to throw its own connection away.
func (s *session) close() {
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	if s.conn.PgConn().TxStatus() != 'I' {
		_, _ = s.conn.Exec(ctx, "rollback")
	}
	_ = s.conn.Close(ctx)
}

// configure builds the driver's configuration from parts, so that no URL with a password is ever in the driver's hands.
func (d *Database) configure(t Target, parsed dsn) (*pgx.ConnConfig, error) {
	config, err := pgx.ParseConfig(neutral)
	if err != nil { // the one thing that cannot be overruled is a service file
		return nil, fault.Hide(err, fault.Internal, "the database driver cannot be set up; the daemon's own environment must not set PGSERVICE")
	}
	ways, err := parsed.encryption(t.DSNOrigin)
	if err != nil {
		return nil, err
	}
	config.Host, config.Port, config.TLSConfig = parsed.host, parsed.port, ways[0]
	config.Fallbacks = nil
	for _, way := range ways[1:] {
		config.Fallbacks = append(config.Fallbacks, &pgconn.FallbackConfig{Host: parsed.host, Port: parsed.port, TLSConfig: way})
	}
	config.User, config.Database, config.Password = parsed.user, parsed.database, parsed.password.Reveal()
	config.ChannelBinding = parsed.params.channelBinding
	config.KerberosSrvName, config.KerberosSpn = "", ""
	config.RuntimeParams = map[string]string{"application_name": sessionName(t.App)}
	config.ConnectTimeout = 0 // the context's deadline counts
	config.DialFunc = (&net.Dialer{Timeout: dialTimeout}).DialContext
	config.LookupFunc = d.resolve
	config.MaxProtocolMessageBodyLen = maxMessage
	// No prepared statement, since PgBouncer may give each transaction another server.
	config.DefaultQueryExecMode = pgx.QueryExecModeExec
	config.StatementCacheCapacity, config.DescriptionCacheCapacity = 0, 0
	return config, nil
}

// resolve returns the addresses of host: as the app's containers see it, or else as this host does.
func (d *Database) resolve(ctx context.Context, host string) ([]string, error) {
	if _, err := netip.ParseAddr(host); err == nil {
		return []string{host}, nil
	}
	if d.lookup != nil {
		found, err := d.lookup(ctx, host)
		if err != nil || len(found) > 0 {
			out := make([]string, len(found))
			for i, a := range found {
				out[i] = a.String()
			}
			return out, err
		}
	}
	return net.DefaultResolver.LookupHost(ctx, host)
}

// sessionName is how the database's list of sessions shows us; PostgreSQL keeps 63 bytes of it.
func sessionName(app string) string {
	ascii := strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, "fairlead "+app)
	return ascii[:min(63, len(ascii))]
}
