package engine

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"regexp"
	"strings"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/client"

	"github.com/capakraken/fairlead/internal/fault"
)

// withheld ends a message for which the Engine's own text would be needed.
const withheld = "its own words are withheld, since they can quote the environment; the Engine's log has them (journalctl -u docker)"

// known is a failure that is recognized by the Engine's text. Nothing of that text is passed on, but the address of a
// taken port.
type known struct {
	signs []string // all of them stand in the text, in lower case
	kind  fault.Kind
	words string
}

// knownFailures are tried in order; the first that fits counts. What shows only at the start of a container is not a
// Refused fault: something was changed by then.
var knownFailures = []known{
	{[]string{"port is already allocated"}, fault.Conflict, "a host port that it publishes is already in use; stop what holds it, or publish another one"},
	{[]string{"bind", "port", "address already in use"}, fault.Conflict, "a host port that it publishes is already in use; stop what holds it, or publish another one"},
	{[]string{"userland proxy", "address already in use"}, fault.Conflict, "a host port that it publishes is already in use; stop what holds it, or publish another one"},
	{[]string{"address already in use"}, fault.Conflict, "an address that it asks for is already in use; free it, or change ipv4_address"},
	{[]string{"bind", "port", "permission denied"}, fault.Unavailable, "the Docker Engine may not open a host port that it publishes; a rootless Engine needs a port above 1023"},
	{[]string{"is already in use by container"}, fault.Conflict, "its name is already in use by another container"},
	{[]string{"no space left on device"}, fault.Unavailable, "no space is left on the Docker Engine's disk; free some (docker system df shows what takes it)"},
	{[]string{"no such image"}, fault.NotFound, "its image is not on this host any more; roll out again to pull it"},
	{[]string{"no such container"}, fault.NotFound, "the container does not exist"},
	{[]string{"could not find an available", "address pool"}, fault.Unavailable, "the Docker Engine has no free address range for a network"},
	{[]string{"no available ip"}, fault.Unavailable, "its network has no free address left"},
	{[]string{"user specified ip address"}, fault.Unavailable, "ipv4_address and ipv6_address need a network that was made with a subnet that holds them"},
	{[]string{"bind source path does not exist"}, fault.Refused, "a directory that it mounts does not exist on the host; create it first"},
	{[]string{"trying to mount a directory onto a file"}, fault.Unavailable, "it mounts a directory onto a file, or a file onto a directory; mend its volumes"},
	{[]string{"exec format error"}, fault.Unavailable, "its command is a program for another platform"},
	{[]string{"executable file not found"}, fault.Unavailable, "its command does not exist in the image; mend command or entrypoint"},
	{[]string{"exec:", "no such file or directory"}, fault.Unavailable, "its command, or the interpreter that it names, does not exist in the image; mend command or entrypoint"},
	{[]string{"exec:", "permission denied"}, fault.Unavailable, "its command may not be executed in the image; mend command, entrypoint or user"},
	{[]string{"no command specified"}, fault.Refused, "neither the image nor the service definition names a command"},
	{[]string{"no matching entries in passwd file"}, fault.Unavailable, "its user is not known in the image; mend user"},
	{[]string{"unable to find user"}, fault.Unavailable, "its user is not known in the image; mend user"},
	{[]string{"unable to find group"}, fault.Unavailable, "its group is not known in the image; mend user"},
	{[]string{"minimum memory limit"}, fault.Refused, "its memory limit is below what the Docker Engine allows"},
	{[]string{"cannot allocate memory"}, fault.Unavailable, "the host has no memory left for it"},
	{[]string{"unknown log opt"}, fault.Refused, "its logging driver does not know one of the logging options"},
	{[]string{"logging plugin"}, fault.Refused, "the Docker Engine has no such logging driver"},
	{[]string{"capability", "unknown"}, fault.Refused, "cap_add or cap_drop names an unknown capability"},
	{[]string{"requires api version"}, fault.Refused, "it uses a setting that this Docker Engine is too old for"},
	{[]string{"logging driver does not support reading"}, fault.Unavailable, "its logging driver cannot be read back"},
	{[]string{"network", "not found"}, fault.NotFound, "a network that it joins does not exist (docker network ls shows those that do)"},
	{[]string{"is paused"}, fault.Conflict, "the container is paused"},
	{[]string{"is not running"}, fault.Conflict, "the container is not running"},
}

// failed returns err as a fault whose text begins with what was being done. A fault is returned as it is.
func (e *Engine) failed(err error, format string, args ...any) error {
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[*fault.Error](err); ok {
		return err
	}
	doing := fmt.Sprintf(format, args...)
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return fault.Hide(err, fault.TimedOut, "%s: the Docker Engine did not finish in time", doing)
	case errors.Is(err, context.Canceled):
		return fault.Hide(err, fault.Unavailable, "%s: interrupted before the Docker Engine answered", doing)
	case errors.Is(err, fs.ErrPermission):
		return fault.Hide(err, fault.Unavailable, "%s: the Docker Engine at %s does not let this user in; run the daemon as root or in the group docker", doing, e.api.DaemonHost())
	case client.IsErrConnectionFailed(err):
		return fault.Hide(err, fault.Unavailable, "%s: the Docker Engine at %s does not answer; nothing was changed by this call, as far as can be seen; start it with systemctl start docker", doing, e.api.DaemonHost())
	}
	kind, words := recognize(err)
	return fault.Hide(err, kind, "%s: %s", doing, words)
}

// recognize returns the kind of an error that the Engine answered with, and our words for it.
func recognize(err error) (fault.Kind, string) {
	text := strings.ToLower(err.Error())
	for _, k := range knownFailures {
		if k.in(text) {
			return k.kind, withPort(k.words, text)
		}
	}
	switch {
	case errdefs.IsNotFound(err):
		return fault.NotFound, "the Docker Engine does not know it"
	case errdefs.IsConflict(err):
		return fault.Conflict, "the Docker Engine says that the container's state, or another container's name, stands against it; " + withheld
	case errdefs.IsInvalidArgument(err):
		return fault.Refused, "the Docker Engine does not accept a setting of the service definition; " + withheld
	case errdefs.IsPermissionDenied(err), errdefs.IsUnauthorized(err):
		return fault.Unavailable, "the Docker Engine does not allow it (an authorization plugin, perhaps); " + withheld
	}
	return fault.Unavailable, "the Docker Engine failed; " + withheld
}

func (k known) in(text string) bool {
	for _, sign := range k.signs {
		if !strings.Contains(text, sign) {
			return false
		}
	}
	return true
}

// boundAddress finds the address in the Engine's texts on a port that it could not bind.
var boundAddress = regexp.MustCompile(`(?:bind (?:for|host port|host port for)|listen (?:tcp|udp|sctp)[46]?) ((?:\d{1,3}\.){3}\d{1,3}:\d{1,5}|\[[0-9a-f:]+\]:\d{1,5})(?:[ /:]|$)`)

// withPort names the taken address in words about a host port, where the text tells it.
func withPort(words, text string) string {
	m := boundAddress.FindStringSubmatch(text)
	if m == nil {
		return words
	}
	a, err := netip.ParseAddrPort(m[1])
	if err != nil {
		return words
	}
	return strings.Replace(words, "a host port that it publishes", "host port "+a.String(), 1)
}

// gone reports whether err says that the container, image or network does not exist.
func gone(err error) bool {
	return err != nil && (errdefs.IsNotFound(err) || fault.KindOf(err) == fault.NotFound)
}
