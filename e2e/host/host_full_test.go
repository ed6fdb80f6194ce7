//go:build e2e && full

package host_test

import (
	"context"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/capakraken/fairlead/e2e/host"
)

// run runs lines on a host, which must succeed, and returns what they print.
func run(t *testing.T, h *host.Host, lines string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	res, err := h.Script(ctx, lines)
	if err != nil {
		t.Fatal(err)
	}
	if res.Code != 0 {
		t.Fatal(res)
	}
	return res.Out
}

// Two hosts run at once, each with an Engine, a registry and a database of its own; they reach each other, keep what they
// have on their disk through a shutdown and a loss of power, and leave nothing behind.
func TestHosts(t *testing.T) {
	lan := host.ForTest(t)
	var hosts []*host.Host
	for _, name := range []string{"alpha", "beta"} {
		h, err := lan.Boot(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		hosts = append(hosts, h)
		if got := strings.TrimSpace(run(t, h, "systemctl is-system-running; systemctl --failed --no-legend")); got != "running" {
			t.Errorf("%s is %s", name, got)
		}
		for what, want := range map[string]string{
			"docker info --format '{{.Driver}} {{.Containers}}'": "overlay2 0",
			"curl -fsS http://127.0.0.1:5000/v2/":                "{}",
			"runuser -u postgres -- psql -Atc 'select 1'":        "1",
			"hostname":         name,
			"cat /proc/1/comm": "systemd",
			"systemd-run --quiet --wait --pipe --uid=nobody whoami":                                    "nobody",
			"sysctl -wq kernel.core_pattern=stolen 2>/dev/null; echo $?":                               "1",
			"systemd-run -q --wait --pipe -p 'SetCredential=a:b' sh -c 'cat $CREDENTIALS_DIRECTORY/a'": "b",
		} {
			if got := strings.TrimSpace(run(t, h, what)); got != want {
				t.Errorf("%s: %s: %q, want %q", name, what, got, want)
			}
		}
	}
	alpha, beta := hosts[0], hosts[1]
	run(t, alpha, "timeout 5 bash -c 'head -c 4 </dev/tcp/"+beta.IP+"/22'")
	ssh, err := beta.Dial(t.Context(), "tcp", "127.0.0.1:22")
	if err != nil {
		t.Fatal(err)
	}
	defer ssh.Close()
	if greeting := make([]byte, 4); read(ssh, greeting) != nil || string(greeting) != "SSH-" {
		t.Errorf("the SSH server greets with %q", greeting)
	}

	if err := alpha.Write("/etc/fairlead/new", []byte("kept"), 0o640); err != nil {
		t.Fatal(err)
	}
	boots := run(t, alpha, "cat /etc/machine-id; docker info --format {{.ID}}")
	if err := alpha.Crash(); err != nil {
		t.Fatal(err)
	}
	if err := alpha.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := run(t, alpha, "cat /etc/fairlead/new"); got != "kept" {
		t.Errorf("a file holds %q after a loss of power", got)
	}
	if err := alpha.Reboot(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := run(t, alpha, "cat /etc/machine-id; docker info --format {{.ID}}"); got != boots {
		t.Errorf("it is another host after a reboot: %s, was %s", got, boots)
	}
	run(t, alpha, "timeout 5 bash -c '</dev/tcp/"+beta.IP+"/22'")
	if err := beta.PowerOff(); err != nil {
		t.Fatal(err)
	}
	if beta.Up() {
		t.Error("a host that was powered off is up")
	}
	if err := lan.Close(); err != nil {
		t.Fatal(err)
	}
	for _, pattern := range []string{filepath.Join(os.TempDir(), "fairlead-host-*"), "/sys/fs/cgroup/fairlead-host-*", "/sys/fs/cgroup/unified/fairlead-host-*"} {
		for _, left := range glob(t, pattern) {
			if strings.Contains(left, lan.Name()) {
				t.Errorf("%s is left", left)
			}
		}
	}
}

func glob(t *testing.T, pattern string) []string {
	t.Helper()
	found, err := filepath.Glob(pattern)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func read(conn net.Conn, text []byte) error {
	if err := conn.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
		return err
	}
	_, err := io.ReadFull(conn, text)
	return err
}
