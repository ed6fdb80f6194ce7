package host

import (
	"bytes"
	"context"
	_ "embed" // boot.sh
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"
)

//go:embed boot.sh
var bootScript string

// Host is a throw-away host. One goroutine at a time may boot it, end it or take it down.
type Host struct {
	Name string
	IP   string // in its LAN

	lan    *LAN
	number int
	dir    string
	group  string
	init   *system // what runs; nil before the first boot
}

// system is a host's first process, and so everything that runs on it.
type system struct {
	pid   int
	ns    *os.File // its network
	ended chan struct{}
	says  console
}

// patience is how long a host may take to boot, or to power off.
const patience = 3 * time.Minute

// Boot makes a host and boots it.
func (l *LAN) Boot(ctx context.Context, name string) (*Host, error) {
	l.mu.Lock()
	number := len(l.hosts) + 11
	h := &Host{Name: name, IP: address(number), lan: l, number: number, dir: filepath.Join(l.dir, name)}
	h.group = filepath.Join(cgroups(), filepath.Base(l.dir)+"-"+name)
	l.hosts = append(l.hosts, h)
	l.mu.Unlock()
	for _, dir := range []string{"upper/etc/docker/registry", "work", "root", "docker"} {
		if err := os.MkdirAll(filepath.Join(h.dir, dir), 0o755); err != nil {
			return nil, fmt.Errorf("make the host %s: %w", name, err)
		}
	}
	for file, text := range map[string]string{
		"docker/registry/config.yml": registryConfig,

		"hostname":    name + "\n",
		"hosts":       "127.0.0.1 localhost\n127.0.1.1 " + name + "\n",
		"resolv.conf": "nameserver 127.0.0.1\n", // which refuses at once, where another would be waited for
		"machine-id":  fmt.Sprintf("%032x\n", time.Now().UnixNano()+int64(number)),
	} {
		if err := os.WriteFile(filepath.Join(h.dir, "upper/etc", file), []byte(text), 0o644); err != nil {
			return nil, fmt.Errorf("make the host %s: %w", name, err)
		}
	}
	return h, h.Start(ctx)
}

// registryConfig is Debian's configuration of its docker-registry, but for the password, which nobody knows.
const registryConfig = `version: 0.1
log: {level: warn}
storage:
  filesystem: {rootdirectory: /var/lib/docker-registry}
  delete: {enabled: true}
http: {addr: ":5000"}
`

// Start boots a host that is off, and returns when everything has started that starts at boot.
func (h *Host) Start(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	s, plugged, err := h.begin()
	if err != nil {
		return fmt.Errorf("boot %s: %w", h.Name, err)
	}
	h.init = s
	if err := errors.Join(h.plug(ctx), plugged.Close()); err != nil {
		return errors.Join(fmt.Errorf("boot %s: %w", h.Name, err), h.Crash())
	}
	err = until(ctx, func() error {
		if !h.Up() {
			return nil
		}
		out, err := h.Command(ctx, "systemctl", "is-system-running", "--wait").Output()
		switch state := strings.TrimSpace(string(out)); state {
		case "running", "degraded": // a unit that failed is a test's business
			return nil
		default:
			return fmt.Errorf("it is %q: %w", state, err)
		}
	})
	if err == nil && !h.Up() {
		err = errors.New("its first process ended")
	}
	if err != nil {
		return errors.Join(fmt.Errorf("boot %s: %w\n%s", h.Name, err, s.says.String()), h.Crash())
	}
	return nil
}

// begin starts the first process. It boots when the writer is closed.
func (h *Host) begin() (*system, io.Closer, error) {
	group, err := makeGroup(h.group)
	if err != nil {
		return nil, nil, err
	}
	defer group.Close() //nolint:errcheck // only read from
	in := func(name string) string { return filepath.Join(h.dir, name) }
	// A namespace of control groups begins at the group that its maker is in, so the maker has to be in it before.
	cmd := exec.Command("unshare", "--cgroup", "sh", "-c", bootScript, "boot.sh", h.lan.rootfs, in("upper"), in("work"), in("root"), in("docker"))
	s := &system{ended: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = &s.says, &s.says
	plugged, err := cmd.StdinPipe()
	if err != nil {
		return nil, nil, err
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWNS | syscall.CLONE_NEWUTS | syscall.CLONE_NEWIPC | syscall.CLONE_NEWPID | syscall.CLONE_NEWNET,
		Setsid:     true, UseCgroupFD: true, CgroupFD: int(group.Fd()),
		Pdeathsig: syscall.SIGKILL,
	}
	started := make(chan error)
	go func() { // ends with the host
		runtime.LockOSThread() // the kernel takes the thread that has started a process for its parent
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait() // it is ended by a signal, as a rule
			close(s.ended)
		}
		runtime.UnlockOSThread()
	}()
	if err := <-started; err != nil {
		return nil, nil, err
	}
	s.pid = cmd.Process.Pid
	if s.ns, err = os.Open(fmt.Sprintf("/proc/%d/ns/net", s.pid)); err != nil {
		return nil, nil, errors.Join(err, cmd.Process.Kill())
	}
	return s, plugged, nil
}

// plug connects the host with its LAN.
func (h *Host) plug(ctx context.Context) error {
	port := h.lan.port()
	mac := fmt.Sprintf("02:00:0a:4e:00:%02x", h.number) // the same after a reboot, so that the neighbours need not learn it
	if err := ip(ctx, h.lan.ns, fmt.Sprintf("link add %s type veth peer name eth0 address %s netns %d", port, mac, h.init.pid),
		"link set "+port+" master br0 up"); err != nil {
		return err
	}
	return ip(ctx, h.init.ns, "link set lo up", "address add "+h.IP+"/24 dev eth0", "link set eth0 up", "route add default via "+address(1))
}

// Up tells whether the host runs.
func (h *Host) Up() bool {
	if h.init == nil {
		return false
	}
	select {
	case <-h.init.ended:
		return false
	default:
		return true
	}
}

// PowerOff has the host shut down in order.
func (h *Host) PowerOff() error { return h.end(sigrtmin + 4) }

// Reboot has the host shut down in order, and boots it again.
func (h *Host) Reboot(ctx context.Context) error {
	if err := h.end(sigrtmin + 5); err != nil {
		return err
	}
	return h.Start(ctx)
}

// sigrtmin is the first real-time signal that a C library leaves to programs; systemd numbers its own from there.
const sigrtmin = syscall.Signal(34)

// Crash ends everything that runs on the host at once, without a word, as a loss of power does. What was written to files
// and not synced is still there, which a real loss of power does not promise.
func (h *Host) Crash() error {
	if !h.Up() {
		return nil
	}
	return h.end(syscall.SIGKILL)
}

// end sends the first process a signal and waits until it has ended.
func (h *Host) end(signal syscall.Signal) error {
	defer h.init.ns.Close() //nolint:errcheck // nothing was written
	if err := syscall.Kill(h.init.pid, signal); err != nil {
		return fmt.Errorf("end %s: %w", h.Name, err)
	}
	select {
	case <-h.init.ended:
		return nil
	case <-time.After(patience):
	}
	_ = syscall.Kill(h.init.pid, syscall.SIGKILL) // it is reported either way
	<-h.init.ended
	return fmt.Errorf("%s did not end within %s of %s", h.Name, patience, signal)
}

// Down ends the host as Crash does and removes all that it was.
func (h *Host) Down() error {
	return errors.Join(h.Crash(), removeGroup(h.group), os.RemoveAll(h.dir))
}

// Dial connects as a program on the host would. The address is a number.
func (h *Host) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	return dial(ctx, h.init.ns, network, address)
}

// console is what a host prints before it has a journal.
type console struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write takes in what was printed.
func (c *console) Write(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.text.Write(b)
}

// String returns what has been printed so far.
func (c *console) String() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.text.String()
}
