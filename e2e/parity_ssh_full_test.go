//go:build e2e && full

package e2e

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/capakraken/fairlead/e2e/rig"
)

// sshd is a real OpenSSH server of this test's own on 127.0.0.1, with its own keys, and an ssh that knows them.
type sshd struct {
	port int
	bin  string // holds the ssh to be found first
	dir  string
}

// serve starts it. Commands on the other side find fairlead where path says.
func serve(t *testing.T, path string) *sshd {
	t.Helper()
	home, err := os.UserHomeDir()
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp(home, ".fairlead-sshd-") // sshd trusts no keys below a directory that others may write to
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	at := func(name string) string { return filepath.Join(dir, name) }
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	server, err := exec.LookPath("sshd")
	if err != nil {
		server = "/usr/sbin/sshd"
	}
	client, err := exec.LookPath("ssh")
	must(err)
	for _, key := range []string{"host", "user"} {
		out, err := exec.CommandContext(t.Context(), "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", at(key)).CombinedOutput()
		if err != nil {
			t.Fatalf("ssh-keygen: %v\n%s", err, out)
		}
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	must(err)
	s := &sshd{port: ln.Addr().(*net.TCPAddr).Port, bin: at("bin"), dir: dir}
	must(ln.Close())
	public, err := os.ReadFile(at("user.pub"))
	must(err)
	must(os.WriteFile(at("authorized"), public, 0o600))
	hostKey, err := os.ReadFile(at("host.pub"))
	must(err)
	must(os.WriteFile(at("known"), fmt.Appendf(nil, "[127.0.0.1]:%d %s", s.port, hostKey), 0o600))
	must(os.WriteFile(at("sshd_config"), fmt.Appendf(nil, "ListenAddress 127.0.0.1\nPort %d\nHostKey %s\nAuthorizedKeysFile %s\nPidFile none\nUsePAM no\nPasswordAuthentication no\nKbdInteractiveAuthentication no\nPermitRootLogin prohibit-password\nSetEnv PATH=%s:/usr/bin:/bin\n",
		s.port, at("host"), at("authorized"), path), 0o600))
	must(os.WriteFile(at("ssh_config"), fmt.Appendf(nil, "Host *\n  IdentityFile %s\n  IdentitiesOnly yes\n  UserKnownHostsFile %s\n  StrictHostKeyChecking yes\n", at("user"), at("known")), 0o600))
	must(os.Mkdir(s.bin, 0o700))
	must(os.WriteFile(filepath.Join(s.bin, "ssh"), fmt.Appendf(nil, "#!/bin/sh\nexec %s -F %s \"$@\"\n", client, at("ssh_config")), 0o700))
	must(os.MkdirAll("/run/sshd", 0o755)) // sshd's own, which its unit makes otherwise
	log, err := os.Create(at("log"))
	must(err)
	cmd := exec.Command(server, "-D", "-e", "-f", at("sshd_config"))
	cmd.Stderr = log
	must(cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		_ = log.Close()
		if text, err := os.ReadFile(at("log")); err == nil && t.Failed() {
			t.Logf("sshd's log:\n%s", text)
		}
	})
	return s
}

// A whole promotion with staging behind a real ssh; and every leg of the way that can fail says that it was that one.
func TestParityThroughSSH(t *testing.T) {
	p := newPair(t)
	who, err := user.Current()
	p.production.must(err)
	far := t.TempDir()
	p.production.must(os.Symlink(p.staging.Binary, filepath.Join(far, "fairlead")))
	s := serve(t, far)
	t.Logf("sshd listens on %d", s.port)
	p.path = s.bin + ":" + os.Getenv("PATH")
	address := "ssh://" + who.Username + "@127.0.0.1:" + strconv.Itoa(s.port)
	p.at(0, "context", "add", "far", address+p.staging.Socket())
	p.production.eventually("sshd answers", func() error {
		c, err := net.Dial("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port)))
		if err == nil {
			_ = c.Close()
		}
		return err
	})

	// Every command works over it: a rollout is begun and followed, its journal read.
	p.staging.image("2.0.0")
	p.production.says(p.at(0, "deploy", rig.App, "--image", "2.0.0", "--context", "far"), "succeeded in")
	p.production.says(p.at(0, "status", rig.App, "--context", "far"), "2.0.0")
	p.production.says(p.at(0, "audit", "log", "--context", "far"), "rollout.ended")
	p.at(0, "deploy", rig.App, "--from", "far")
	if here, there := p.verifiedAt(p.production), p.verifiedAt(p.staging); here.Image.Digest != there.Image.Digest {
		t.Errorf("production runs %s, and staging %s", here.Image.Digest, there.Image.Digest)
	}
	p.production.says(p.at(0, "parity", "run", rig.App, "--from", "far", "-q"), "passed, both run sha256:")

	// The legs.
	p.at(0, "context", "add", "stopped", address+"/nowhere/f.sock")
	p.production.says(p.at(8, "status", "--context", "stopped"), "ssh reaches ", "but fairlead there does not reach its daemon: the daemon does not answer: there is no socket /nowhere/f.sock")
	p.at(0, "context", "add", "closed", "ssh://127.0.0.1:1")
	p.production.says(p.at(8, "status", "--context", "closed"), "ssh does not reach 127.0.0.1:1: ", "Connection refused")
	p.at(0, "context", "add", "stranger", "ssh://"+who.Username+"@localhost:"+strconv.Itoa(s.port))
	p.production.says(p.at(8, "status", "--context", "stranger"), "ssh does not reach ", "Host key verification failed")
	p.production.must(os.Remove(filepath.Join(far, "fairlead")))
	p.production.says(p.at(8, "status", "--context", "far"), "but there is no fairlead to be run")
	p.production.must(os.Remove(filepath.Join(s.dir, "authorized")))
	res := p.at(8, "deploy", rig.App, "--from", "far")
	p.production.says(res, "far: ssh does not reach ", "Permission denied (publickey)")
	if strings.Count(strings.TrimSpace(res.Err), "\n") > 0 {
		t.Errorf("the failure takes more than one line: %s", res.Err)
	}
}
