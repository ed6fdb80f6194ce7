package compose

// class is what becomes of a key of a service in a Compose file.
type class int

const (
	refused  class = iota // it would be lost, so the service is not run
	honoured              // it is in serviceShape, or read by this room on its own
	noted                 // it is Compose's own business; a warning says so
)

// treatment is what becomes of one key that is not simply honoured, and why. Keys inside of others are written with a
// dot, such as deploy.replicas.
type treatment struct {
	key       string
	class     class
	only      string // noted with this value alone, and refused with any other
	what, fix string
}

// treatments returns the keys of a Compose file's services that are not in the shape, or not only. docs/compose.md lists
// them, and a test holds it against this. A key that is not in here either is refused as well.
func treatments() []treatment {
	const swarm = "is for Swarm alone, as with 'docker compose' itself"
	return []treatment{
		{key: "annotations", class: noted, what: "is not acted on: nothing here reads them"},
		{key: "attach", class: noted, what: "is not acted on: it is for the terminal of 'docker compose up'"},
		{key: "build", class: noted, what: "is not acted on: the image comes from the rollout and is never built here"},
		{key: "depends_on", class: noted, what: "is not acted on: the services are replaced one after the other, in the order in which the configuration names them, and what is not named must run already"},
		{key: "deploy.endpoint_mode", class: noted, what: swarm},
		{key: "deploy.labels", class: noted, what: swarm},
		{key: "deploy.mode", class: noted, only: "replicated", what: "is not honoured", fix: "take it out: one container runs"},
		{key: "deploy.placement", class: noted, what: swarm},
		{key: "deploy.replicas", class: noted, only: "1", what: "is not honoured: exactly one container of a service runs", fix: "write 1, or take it out"},
		{key: "deploy.resources.reservations.cpus", class: noted, what: swarm},
		{key: "deploy.rollback_config", class: noted, what: swarm},
		{key: "deploy.update_config", class: noted, what: swarm},
		{key: "develop", class: noted, what: "is not acted on: it is for 'docker compose watch'"},
		{key: "image", class: noted, what: "is not acted on: the image comes from the rollout"},
		{key: "ports.app_protocol", class: noted, what: "is not acted on: it changes nothing about a container"},
		{key: "ports.mode", class: noted, what: "is not acted on: a port is always published on this host"},
		{key: "ports.name", class: noted, what: "is not acted on: it changes nothing about a container"},
		{key: "platform", class: noted, what: "is not acted on: the image is pulled for the Engine's own platform"},
		{key: "profiles", class: noted, what: "is not acted on: whoever names a service in the configuration wants it"},
		{key: "pull_policy", class: noted, what: "is not acted on: the rollout pulls the image by its digest"},
		{key: "pull_refresh_after", class: noted, what: "is not acted on: the rollout pulls the image by its digest"},
		{key: "scale", class: noted, only: "1", what: "is not honoured: exactly one container of a service runs", fix: "write 1, or take it out"},

		{key: "blkio_config"}, {key: "cgroup"}, {key: "cgroup_parent"}, {key: "cpu_count"}, {key: "cpu_percent"}, {key: "cpu_period"},
		{key: "cpu_quota", what: "is not honoured", fix: "write cpus: instead"},
		{key: "cpu_rt_period"}, {key: "cpu_rt_runtime"}, {key: "cpuset"}, {key: "credential_spec"},
		{key: "configs", what: "is not honoured: it needs Compose", fix: "mount the file under volumes:"},
		{key: "deploy.restart_policy", what: "is not honoured", fix: "write restart: instead"},
		{key: "device_cgroup_rules"}, {key: "devices"}, {key: "dns"}, {key: "dns_opt"}, {key: "dns_search"},
		{key: "dockerfile", what: "is not honoured, and a key of old", fix: "take it out: nothing is built here"},
		{key: "domainname"},
		{key: "env_file.format", what: "is not honoured: a file is read only where all readers agree on it", fix: "take it out"},
		{key: "external_links", what: "is not honoured", fix: "put both containers on one network, where they find each other by name"},
		{key: "gpus"}, {key: "group_add"}, {key: "ipc"}, {key: "isolation"},
		{key: "label_file", what: "is not honoured", fix: "write the labels under labels:"},
		{key: "links", what: "is not honoured", fix: "put both containers on one network, where they find each other by name"},
		{key: "log_driver", what: "is a key of old", fix: "write logging: {driver: …}"},
		{key: "log_opt", what: "is a key of old", fix: "write logging: {options: {…}}"},
		{key: "mac_address"}, {key: "mem_swappiness"}, {key: "models"},
		{key: "net", what: "is a key of old", fix: "write networks: or network_mode:"},
		{key: "networks.driver_opts"}, {key: "networks.gw_priority"}, {key: "networks.interface_name"}, {key: "networks.link_local_ips"},
		{key: "networks.mac_address"}, {key: "networks.use_service_name_alias"},
		{key: "oom_kill_disable"}, {key: "oom_score_adj"}, {key: "pid"},
		{key: "post_start"}, {key: "pre_start"}, {key: "pre_stop"}, {key: "privileged"}, {key: "provider"}, {key: "runtime"},
		{key: "secrets", what: "is not honoured: it needs Compose", fix: "pass the secret by the environment, or mount its file under volumes:"},
		{key: "stdin_open"}, {key: "storage_opt"}, {key: "sysctls"}, {key: "tty"}, {key: "umask"}, {key: "use_api_socket"},
		{key: "userns_mode"}, {key: "uts"}, {key: "volume_driver"},
		{key: "volumes.bind.recursive"}, {key: "volumes.bind.selinux"}, {key: "volumes.consistency"},
		{key: "volumes_from", what: "is not honoured", fix: "name the volumes under volumes:"},
	}
}

// composeShape returns what is honoured of a service in a Compose file: the keys of every definition, and those that
// need the file around it.
func composeShape() shape {
	s := serviceShape()
	word := shape{scalar: text}
	s.keys["env_file"] = shape{scalar: text, elem: &shape{scalar: text, keys: map[string]shape{"path": word, "required": {scalar: boolean}}}}
	networks := s.keys["networks"]
	network := *networks.each
	network.keys["priority"] = word
	return s
}

// treat returns what becomes of a key that is not in the shape.
func treat(key string) treatment {
	for _, t := range treatments() {
		if t.key == key {
			if t.class == refused && t.what == "" {
				t.what, t.fix = "is not honoured, and a key is never ignored", unhonouredFix
			}
			return t
		}
	}
	return treatment{key: key, what: "is not honoured, and a key is never ignored", fix: unhonouredFix}
}

// unhonouredFix says how a stack that needs a key which is not honoured is rolled out all the same.
const unhonouredFix = "take it out, or reset it in a file of your own that compose.files names last: KEY: !reset null"
