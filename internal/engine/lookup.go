package engine

import (
	"context"
	"net/netip"
	"slices"
	"strings"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/network"

	"github.com/capakraken/fairlead/internal/fault"
)

// Lookup returns the addresses of a host name as a container on these networks sees it: an entry of its extra hosts
// first ("name:address", or "name:host-gateway"), and then the names and aliases of the running containers on the
// networks. A name that none of them knows has no address and no error: the caller asks DNS.
func (e *Engine) Lookup(ctx context.Context, host string, networks []string, extraHosts []string) ([]netip.Addr, error) {
	host = strings.TrimSuffix(host, ".")
	for _, entry := range extraHosts {
		name, address := extraHost(entry)
		if strings.EqualFold(name, host) {
			return e.extraAddress(ctx, entry, address)
		}
	}
	var out []netip.Addr
	for _, n := range networks {
		found, err := e.lookupOn(ctx, host, n)
		if err != nil {
			return nil, err
		}
		out = append(out, found...)
	}
	slices.SortFunc(out, netip.Addr.Compare)
	return slices.Compact(out), nil
}

// extraHost returns the two parts of an entry. The first colon ends the name, as an IPv6 address has more of them.
func extraHost(entry string) (name, address string) {
	if i := strings.IndexAny(entry, ":="); i >= 0 {
		return entry[:i], strings.Trim(entry[i+1:], "[]")
	}
	return entry, ""
}

func (e *Engine) extraAddress(ctx context.Context, entry, address string) ([]netip.Addr, error) {
	if address == "host-gateway" {
		return e.hostGateway(ctx)
	}
	a, err := netip.ParseAddr(address)
	if err != nil {
		return nil, fault.Hide(err, fault.Refused, "extra_hosts entry %q holds no address: write name:address, or name:host-gateway", entry)
	}
	return []netip.Addr{a}, nil
}

// hostGateway returns where containers reach this host: the gateway of the default bridge.
func (e *Engine) hostGateway(ctx context.Context) ([]netip.Addr, error) {
	bridge, err := e.api.NetworkInspect(ctx, network.NetworkBridge, network.InspectOptions{})
	if err != nil {
		return nil, e.failed(err, "look at the default bridge for host-gateway")
	}
	var out []netip.Addr
	for _, c := range bridge.IPAM.Config {
		if a, ok := gatewayOf(c); ok {
			out = append(out, a)
		}
	}
	if len(out) == 0 {
		return nil, fault.New(fault.Unavailable, "the default bridge has no gateway, so host-gateway has no address; give extra_hosts an address")
	}
	return out, nil
}

// gatewayOf returns the gateway of a subnet. Engine 20.10 does not tell the one that it chose itself, which is always
// the subnet's first address.
func gatewayOf(c network.IPAMConfig) (netip.Addr, bool) {
	if a, err := netip.ParseAddr(c.Gateway); err == nil {
		return a, true
	}
	subnet, err := netip.ParsePrefix(c.Subnet)
	if err != nil {
		return netip.Addr{}, false
	}
	return subnet.Masked().Addr().Next(), true
}

// lookupOn looks for host among the containers on one network. A network that is gone has none.
func (e *Engine) lookupOn(ctx context.Context, host, name string) ([]netip.Addr, error) {
	if name == network.NetworkBridge {
		return nil, nil // the default bridge has no names
	}
	all, err := e.listed(ctx, container.ListOptions{Filters: filters.NewArgs(filters.Arg("network", name), filters.Arg("status", container.StateRunning))})
	if err != nil {
		return nil, err
	}
	var out []netip.Addr
	for _, c := range all {
		endpoint, on := c.NetworkSettings.Networks[name]
		if !on || !c.State.Running || !called(c, endpoint, name, host) {
			continue
		}
		for _, text := range []string{endpoint.IPAddress, endpoint.GlobalIPv6Address} {
			if a, err := netip.ParseAddr(text); err == nil {
				out = append(out, a)
			}
		}
	}
	return out, nil
}

// called reports whether host is a name of c on the network, alone or with the network's name as its domain.
func called(c container.InspectResponse, endpoint *network.EndpointSettings, name, host string) bool {
	names := map[string]bool{strings.ToLower(nameOf(c)): true}
	for _, n := range slices.Concat(endpoint.Aliases, endpoint.DNSNames) {
		names[strings.ToLower(n)] = true
	}
	host = strings.ToLower(host)
	return names[host] || names[strings.TrimSuffix(host, "."+strings.ToLower(name))]
}
