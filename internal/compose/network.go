package compose

import (
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/compose-spec/compose-go/v2/types"

	"github.com/capakraken/fairlead/internal/workload"
)

// ports returns the published ports; a range is already spread out.
func (d *definition) ports(it *item, ports []types.ServicePortConfig) []workload.Port {
	var out []workload.Port
	for _, p := range ports {
		port := workload.Port{HostIP: p.HostIP, HostPort: p.Published, ContainerPort: uint16(p.Target), Protocol: p.Protocol}
		switch {
		case p.Target == 0 || p.Target > 65535 || !portRange(p.Published):
			d.bad(it.position, "has a port that is not a number from 1 to 65535", "write "+form("ports"))
			continue
		case !slices.Contains([]string{"tcp", "udp", "sctp"}, p.Protocol):
			d.bad(it.position, "has a port with an unknown protocol", "write tcp, udp or sctp")
			continue
		case p.Published != "" && slices.ContainsFunc(out, func(o workload.Port) bool { return hostPort(o) == hostPort(port) }):
			d.bad(it.position, "publishes two ports at the same port of the host", "give each its own")
			continue
		}
		out = append(out, port)
	}
	return out
}

// hostPort returns the host's side of a port.
func hostPort(p workload.Port) workload.Port {
	return workload.Port{HostIP: p.HostIP, HostPort: p.HostPort, Protocol: p.Protocol}
}

// portRange tells whether s is empty, a port, or a rising range of ports.
func portRange(s string) bool {
	if s == "" {
		return true
	}
	first, last, isRange := strings.Cut(s, "-")
	a, okA := portNumber(first)
	b, okB := a, okA
	if isRange {
		b, okB = portNumber(last)
	}
	return okA && okB && a <= b
}

func portNumber(s string) (int, bool) {
	n, err := strconv.Atoi(s)
	return n, err == nil && n >= 1 && n <= 65535
}

// expose returns each exposed port on its own.
func (d *definition) expose(it *item, ports []string) []string {
	var out []string
	for i, text := range ports {
		number, protocol, named := strings.Cut(text, "/")
		if number == "" || !portRange(number) || named && !slices.Contains([]string{"tcp", "udp", "sctp"}, protocol) {
			d.bad(it.element(i, len(ports)), "is not a port", "write "+form("expose"))
			continue
		}
		suffix := ""
		if named && protocol != "tcp" {
			suffix = "/" + protocol
		}
		first, last, isRange := strings.Cut(number, "-")
		if !isRange {
			last = first
		}
		from, _ := portNumber(first)
		to, _ := portNumber(last)
		for n := from; n <= to; n++ {
			out = append(out, strconv.Itoa(n)+suffix)
		}
	}
	return out
}

// networks returns the networks in the order of the file, since the first is the one that the container is created on.
func (d *definition) networks(it *item, networks map[string]*types.ServiceNetworkConfig) []workload.Network {
	var out []workload.Network
	for _, entry := range it.entries() {
		n := workload.Network{Name: entry.name}
		switch {
		case n.Name == "host" || n.Name == "none" || n.Name == "bridge":
			d.bad(entry.position, "is not a network that containers are named on", "write network_mode: "+n.Name+" instead")
			continue
		case !engineName.MatchString(n.Name):
			d.bad(entry.position, "is not the name of a network", "write it as docker network ls shows it")
			continue
		}
		if c := networks[n.Name]; c != nil {
			n.Aliases, n.IPv4Address, n.IPv6Address = c.Aliases, c.Ipv4Address, c.Ipv6Address
		}
		v4, err := netip.ParseAddr(n.IPv4Address)
		if n.IPv4Address != "" && (err != nil || !v4.Is4()) {
			d.bad(entry.get("ipv4_address").position, "is not an IPv4 address", "write it without a prefix length")
		}
		v6, err := netip.ParseAddr(n.IPv6Address)
		if n.IPv6Address != "" && (err != nil || !v6.Is6()) {
			d.bad(entry.get("ipv6_address").position, "is not an IPv6 address", "write it without a prefix length")
		}
		out = append(out, n)
	}
	return out
}

// named is an item with the name that it has in its mapping or list.
type named struct {
	*item
	name string
}

// entries returns a list of names, or a mapping of names to what they hold, in the file's order.
func (it *item) entries() []named {
	var out []named
	for _, e := range it.list {
		out = append(out, named{e, e.text})
	}
	for _, key := range it.keys {
		out = append(out, named{it.fields[key], key})
	}
	return out
}

// networkMode returns host, none, or nothing for the default bridge.
func (d *definition) networkMode(root *item) string {
	mode := root.get("network_mode")
	if !mode.set() {
		return ""
	}
	if !slices.Contains([]string{"host", "none", "bridge"}, mode.text) {
		d.bad(mode.position, "is not honoured", "write host, none or bridge, or name the network under networks:")
		return ""
	}
	if root.get("networks").set() {
		d.bad(mode.position, "contradicts networks", "keep one")
	}
	if mode.text != "bridge" && root.get("ports").set() {
		d.bad(root.get("ports").position, "has no effect with this network_mode", "take one of the two out")
	}
	if mode.text == "bridge" {
		return ""
	}
	return mode.text
}

// extraHosts returns additional host names as name:address, sorted.
func (d *definition) extraHosts(it *item, hosts types.HostsList) []string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(hosts)) {
		for _, address := range hosts[name] {
			if _, err := netip.ParseAddr(address); err != nil && address != "host-gateway" {
				d.bad(it.position, "has a host without an address", "write "+form("extra_hosts"))
				continue
			}
			out = append(out, name+":"+address)
		}
	}
	return out
}
