package daemon

import (
	"context"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
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
			"The state directory and the socket come from --state and --socket, or from systemd's StateDirectory= and RuntimeDirectory=.",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			o.Version, o.Log = version, newLog(c, verbose)
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

// newLog returns a logger that writes JSON lines to standard error: for debugging, while the journal is the record.
func newLog(c *cobra.Command, verbose bool) *zap.Logger {
	level := zapcore.InfoLevel
	if verbose {
		level = zapcore.DebugLevel
	}
	encoder := zap.NewProductionEncoderConfig()
	encoder.EncodeTime = zapcore.RFC3339NanoTimeEncoder
	encoder.TimeKey = "time"
	return zap.New(zapcore.NewCore(zapcore.NewJSONEncoder(encoder), zapcore.Lock(zapcore.AddSync(c.ErrOrStderr())), level))
}
