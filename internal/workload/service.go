// Package workload says what to run, in terms that belong to no runtime: a service's container, the release that it is
// part of, and the container as it was found on a host.
package workload

import (
	"time"

	"github.com/capakraken/fairlead/internal/secret"
)

// Key names an app on an Engine. Every container that Fairlead makes carries it as labels, and every query filters
// on it, so that two daemons on one Engine never see each other's containers.
type Key struct {
	Instance    string `json:"instance"`    // the daemon's name on its Engine
	Environment string `json:"environment"` // for example production
	App         string `json:"app"`
}

// Service is the definition of one service's container without its environment and image. Its fields are those of the
// Compose specification. Its JSON form is what a definition's fingerprint is taken of, so a field that is not set is
// left out.
type Service struct {
	Name            string            `json:"name"`
	Project         *Project          `json:"project,omitempty"`        // nil unless the definition stands in a Compose file
	ContainerName   string            `json:"container_name,omitempty"` // the final name; empty for APP-ENVIRONMENT-SERVICE
	Entrypoint      []string          `json:"entrypoint,omitempty"`     // nil for the image's own
	Command         []string          `json:"command,omitempty"`        // nil for the image's own
	Ports           []Port            `json:"ports,omitempty"`
	Expose          []string          `json:"expose,omitempty"` // "3000" or "3000/udp"
	Mounts          []Mount           `json:"mounts,omitempty"`
	Networks        []Network         `json:"networks,omitempty"`     // the first is joined at create; none means the default bridge
	NetworkMode     string            `json:"network_mode,omitempty"` // "host" or "none"; excludes Networks
	User            string            `json:"user,omitempty"`
	WorkingDir      string            `json:"working_dir,omitempty"`
	Restart         RestartPolicy     `json:"restart"`
	StopGracePeriod *time.Duration    `json:"stop_grace_period,omitempty"` // nil for the Engine's default
	StopSignal      string            `json:"stop_signal,omitempty"`
	Labels          map[string]string `json:"labels,omitempty"`
	Hostname        string            `json:"hostname,omitempty"`
	ExtraHosts      []string          `json:"extra_hosts,omitempty"` // "name:address" or "name:host-gateway"
	CapAdd          []string          `json:"cap_add,omitempty"`
	CapDrop         []string          `json:"cap_drop,omitempty"`
	SecurityOpt     []string          `json:"security_opt,omitempty"`
	ReadOnly        bool              `json:"read_only,omitempty"`
	Tmpfs           map[string]string `json:"tmpfs,omitempty"` // target to mount options
	Ulimits         []Ulimit          `json:"ulimits,omitempty"`
	Resources       Resources         `json:"resources"`
	Logging         *Logging          `json:"logging,omitempty"`
	Healthcheck     *Healthcheck      `json:"healthcheck,omitempty"` // nil for the image's own
	Init            *bool             `json:"init,omitempty"`
	ShmSize         int64             `json:"shm_size,omitempty"` // bytes; 0 for the Engine's default
}

// Project is the Compose project whose file defines a service. The service's container is labelled as one of it, so that
// 'docker compose' sees it.
type Project struct {
	Name  string   `json:"name"`
	Dir   string   `json:"dir"`   // its working directory
	Files []string `json:"files"` // absolute paths, in the order in which they are merged
}

// FinalName returns the name that the service's container has once it is verified.
func (s Service) FinalName(k Key) string {
	if s.ContainerName != "" {
		return s.ContainerName
	}
	return k.App + "-" + k.Environment + "-" + s.Name
}

// Port publishes a container's port on the host.
type Port struct {
	HostIP        string `json:"host_ip,omitempty"`
	HostPort      string `json:"host_port,omitempty"` // a port or a range; empty for one that the Engine picks
	ContainerPort uint16 `json:"container_port"`
	Protocol      string `json:"protocol"` // tcp, udp or sctp
}

// Mount puts a volume or a directory of the host into the container.
type Mount struct {
	Type        string `json:"type"` // bind, volume or tmpfs
	Source      string `json:"source,omitempty"`
	Target      string `json:"target"`
	ReadOnly    bool   `json:"read_only,omitempty"`
	Propagation string `json:"propagation,omitempty"` // of a bind
	CreateHost  bool   `json:"create_host,omitempty"` // a bind's source directory is made when it is missing
	NoCopy      bool   `json:"no_copy,omitempty"`     // a volume is not filled from the image
	External    bool   `json:"external,omitempty"`    // a volume that the service's Compose project does not make itself
	TmpfsSize   int64  `json:"tmpfs_size,omitempty"`  // bytes
	TmpfsMode   uint32 `json:"tmpfs_mode,omitempty"`  // permission bits
}

// Network is one network that the container joins, by the network's real name on the Engine.
type Network struct {
	Name        string   `json:"name"`
	Aliases     []string `json:"aliases,omitempty"`
	IPv4Address string   `json:"ipv4_address,omitempty"`
	IPv6Address string   `json:"ipv6_address,omitempty"`
	External    bool     `json:"external,omitempty"` // one that the service's Compose project does not make itself
}

// RestartPolicy is what the Engine does when the container ends.
type RestartPolicy struct {
	Name       string `json:"name"` // no, always, unless-stopped or on-failure
	MaxRetries int    `json:"max_retries,omitempty"`
}

// Ulimit is one resource limit of the container's processes.
type Ulimit struct {
	Name string `json:"name"`
	Soft int64  `json:"soft"`
	Hard int64  `json:"hard"`
}

// Resources are the container's limits; 0 is no limit.
type Resources struct {
	MemoryBytes            int64 `json:"memory_bytes,omitempty"`
	MemoryReservationBytes int64 `json:"memory_reservation_bytes,omitempty"`
	MemorySwapBytes        int64 `json:"memory_swap_bytes,omitempty"`
	NanoCPUs               int64 `json:"nano_cpus,omitempty"`
	CPUShares              int64 `json:"cpu_shares,omitempty"`
	PidsLimit              int64 `json:"pids_limit,omitempty"`
}

// Logging is where the Engine writes the container's output.
type Logging struct {
	Driver  string            `json:"driver"`
	Options map[string]string `json:"options,omitempty"`
}

// Healthcheck is the Engine's own check of the container.
type Healthcheck struct {
	Test          []string      `json:"test"` // {"NONE"} switches the image's check off
	Interval      time.Duration `json:"interval,omitempty"`
	Timeout       time.Duration `json:"timeout,omitempty"`
	StartPeriod   time.Duration `json:"start_period,omitempty"`
	StartInterval time.Duration `json:"start_interval,omitempty"`
	Retries       int           `json:"retries,omitempty"`
}

// Unit is one service ready to be run: its definition with the environment that its container is created with.
type Unit struct {
	Service Service
	Env     secret.Env
}
