package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/capakraken/fairlead/internal/api"
	"github.com/capakraken/fairlead/internal/dial"
	"github.com/capakraken/fairlead/internal/fault"
)

func (t *tool) dialStdio() *cobra.Command {
	greet := false
	c := onlyHere(&cobra.Command{
		Use:   "dial-stdio",
		Short: "Connect standard input and output with the daemon's socket",
		Long: "Connect standard input and output with the daemon's socket, for a context of another host: its ssh runs this. With --greet a\n" +
			"line says when the connection stands.",
		Args: exactly(),
		RunE: func(c *cobra.Command, _ []string) error {
			conn, err := api.DialSocket(c.Context(), t.localSocket())
			if err != nil {
				return err
			}
			if greet {
				if _, err := fmt.Fprintln(t.Out, dial.Greeting); err != nil {
					_ = conn.Close()
					return written(err)
				}
			}
			if err := dial.Stdio(c.Context(), t.In, t.Out, conn); err != nil {
				return fault.Hide(err, fault.Unreachable, "the connection with the daemon broke off")
			}
			return nil
		},
	})
	c.Flags().BoolVar(&greet, "greet", false, "say when the connection stands")
	return c
}
