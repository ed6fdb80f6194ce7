package engine

import (
	"slices"
	"strings"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/mount"
)

// beyond returns the settings of c that a service definition of ours cannot express, by the names that Compose gives them.
// With the first version of cgroups, the host's namespace is what every container gets.
func beyond(c container.InspectResponse, firstCgroups bool) []string {
	h := c.HostConfig
	set := map[string]bool{
		"privileged":       h.Privileged,
		"devices":          len(h.Devices)+len(h.DeviceRequests)+len(h.DeviceCgroupRules) > 0,
		"pid":              h.PidMode != "",
		"ipc":              h.IpcMode != "" && h.IpcMode != "private" && h.IpcMode != "shareable",
		"uts":              h.UTSMode != "",
		"userns_mode":      h.UsernsMode != "",
		"cgroup":           h.CgroupnsMode.IsHost() && !firstCgroups,
		"cgroup_parent":    h.CgroupParent != "",
		"sysctls":          len(h.Sysctls) > 0,
		"group_add":        len(h.GroupAdd) > 0,
		"dns":              len(h.DNS)+len(h.DNSOptions)+len(h.DNSSearch) > 0,
		"links":            len(h.Links) > 0,
		"volumes_from":     len(h.VolumesFrom) > 0,
		"volume_driver":    h.VolumeDriver != "",
		"storage_opt":      len(h.StorageOpt) > 0,
		"oom_score_adj":    h.OomScoreAdj != 0,
		"oom_kill_disable": h.OomKillDisable != nil && *h.OomKillDisable,
		"cpuset":           h.CpusetCpus != "" || h.CpusetMems != "",
		"cpu_quota":        h.CPUQuota != 0 || h.CPUPeriod != 0,
		"cpu_rt_runtime":   h.CPURealtimeRuntime != 0 || h.CPURealtimePeriod != 0,
		"blkio_config":     h.BlkioWeight != 0 || len(h.BlkioWeightDevice)+len(h.BlkioDeviceReadBps)+len(h.BlkioDeviceWriteBps)+len(h.BlkioDeviceReadIOps)+len(h.BlkioDeviceWriteIOps) > 0,
		"mem_swappiness":   h.MemorySwappiness != nil && *h.MemorySwappiness >= 0,
		"annotations":      len(h.Annotations) > 0,
		"domainname":       c.Config.Domainname != "",
		"tty":              c.Config.Tty,
		"stdin_open":       c.Config.OpenStdin,
		"network_mode":     h.NetworkMode.IsContainer(),
		"runtime":          h.Runtime != "" && h.Runtime != "runc",
		"security_opt (a seccomp profile)": slices.ContainsFunc(h.SecurityOpt, func(o string) bool {
			return strings.Contains(o, "{")
		}),
		"ports (publish all)": h.PublishAllPorts,
		"--rm":                h.AutoRemove,
	}
	for _, m := range c.Mounts {
		if !slices.Contains([]mount.Type{mount.TypeBind, mount.TypeVolume, mount.TypeTmpfs}, m.Type) {
			set["volumes of type "+string(m.Type)] = true
		}
	}
	for _, endpoint := range c.NetworkSettings.Networks {
		if len(endpoint.DriverOpts) > 0 {
			set["networks: driver_opts"] = true
		}
	}
	var out []string
	for name, is := range set {
		if is {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}
