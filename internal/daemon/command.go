package daemon

import (
	"context"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/coreos/go-systemd/v22/activation"
	"github.com/spf13/cobra"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/capakraken/fairlead/internal/fault"
)

// socketName is the socket's name in the runtime directory.
const socketName = "fairlead.sock"

// Command returns the "daemon" command. Its defaults are what systemd hands over: STATE_DIRECTORY and
// RUNTIME_DIRECTORY.
func Command(version string) *cobra.Command {
	var o Options
	var verbose bool
	c := &cobra.Command{
		Use:   "daemon --config FILE",
		Short: "Run the service",
		Long: "Run the service in the foreground until SIGTERM. It goes on with every rollout that has not ended.\n" +
			"SIGHUP has it take up its configuration anew; one that is refused leaves the old one.\n" +
			"The state directory and the socket come from --state and --socket, or from systemd's StateDirectory= and RuntimeDirectory=.",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			o.Version, o.Log = version, newLog(c, verbose)
			// From here on a reload does not end the daemon; one that comes while it starts is for the configuration that it
			// is about to read, or has just read.
			reload := make(chan os.Signal, 1)
			signal.Notify(reload, syscall.SIGHUP)
			defer signal.Stop(reload)
			o.Reload = reload
			var err error
			if o.Inherited, err = inherited(activation.Files(true)); err != nil {
				return err
			}
			return serve(c.Context(), o)
		},
	}
	socket := ""
	if dir := os.Getenv("RUNTIME_DIRECTORY"); dir != "" {
		socket = filepath.Join(dir, socketName)
	}
	c.Flags().StringVar(&o.Config, "config", "/etc/fairlead/fairlead.yaml", "the configuration")
	c.Flags().StringVar(&o.State, "state", os.Getenv("STATE_DIRECTORY"), "directory of the journal and the host's key")
	c.Flags().StringVar(&o.Socket, "socket", socket, "path of the socket to serve")
	c.Flags().BoolVar(&verbose, "verbose", false, "log every action")
	return c
}

func serve(ctx context.Context, o Options) error {
	d, err := New(o)
	if err != nil {
		return err
	}
	return d.Run(ctx)
}

// inherited returns the one socket that the service manager hands over, or nil.
func inherited(files []*os.File) (*os.File, error) {
	if len(files) > 1 {
		return nil, fault.New(fault.Refused, "systemd hands over %d sockets, where one is served; leave one ListenStream= in fairlead.socket", len(files))
	}
	if len(files) == 0 {
		return nil, nil
	}
	return files[0], nil
}

// newLog returns a logger that writes JSON lines to standard error: for debugging, while the journal is the record.
func newLog(c *cobra.Command, verbose bool) *zap.Logger {
	level := zapcore.InfoLevel
	if verbose {
		level = zapcore.DebugLevel
	}
	encoder := zap.NewProductionEncoderConfig()
	encoder.EncodeTime = zapcore.RFC3339NanoTimeEncoder
	encoder.TimeKey = "time"
	return zap.New(toJournal(zapcore.NewCore(zapcore.NewJSONEncoder(encoder), zapcore.Lock(zapcore.AddSync(c.ErrOrStderr())), level)))
}
