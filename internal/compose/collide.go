package compose

import "github.com/capakraken/fairlead/internal/workload"

// collisions finds what two services of one app cannot both have.
func (n *notes) collisions(services []Service) {
	lines := map[string]int{}
	for _, raw := range n.Services {
		lines[raw.Name] = raw.Line
	}
	names := map[string]string{}
	ports := map[workload.Port]string{}
	for _, s := range services {
		at := n.at(s.Name, lines[s.Name])
		if other, taken := names[s.ContainerName]; taken && s.ContainerName != "" {
			n.bad(at.under(".container_name", at.line), "is also the name of service "+other, "give each its own")
		}
		names[s.ContainerName] = s.Name
		for _, p := range s.Ports {
			host := hostPort(p)
			if other, taken := ports[host]; taken && other != s.Name && p.HostPort != "" {
				n.bad(at.under(".ports", at.line), "publishes a port of the host that service "+other+" publishes as well", "give each its own")
			}
			ports[host] = s.Name
		}
	}
}
