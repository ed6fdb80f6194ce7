package compose

import (
	"math"

	"github.com/compose-spec/compose-go/v2/types"

	"github.com/capakraken/fairlead/internal/workload"
)

// minMemory is the least memory that the Engine gives a container, in bytes.
const minMemory = 6 << 20

// resources returns the limits, which may be set at the service or under deploy, but not in both places.
func (d *definition) resources(root *item, c types.ServiceConfig) workload.Resources {
	r := workload.Resources{
		MemoryBytes:            d.memory(root.get("mem_limit"), int64(c.MemLimit)),
		MemoryReservationBytes: d.memory(root.get("mem_reservation"), int64(c.MemReservation)),
		MemorySwapBytes:        int64(c.MemSwapLimit),
		NanoCPUs:               d.nanoCPUs(root.get("cpus"), c.CPUS),
		CPUShares:              d.positive(root.get("cpu_shares"), c.CPUShares),
		PidsLimit:              c.PidsLimit,
	}
	if c.Deploy != nil {
		d.deployed(root, c.Deploy.Resources, &r)
	}
	d.swap(root, r)
	if pids := root.get("pids_limit"); pids.set() && (c.PidsLimit == 0 || c.PidsLimit < -1) {
		d.bad(pids.position, "is out of range", "write a number from 1 on, or -1 for no limit")
	}
	return r
}

// deployed adds what stands under deploy.resources.
func (d *definition) deployed(root *item, c types.Resources, r *workload.Resources) {
	at := root.get("deploy", "resources")
	if l := c.Limits; l != nil {
		limits := at.get("limits")
		d.either(root.get("mem_limit"), limits.get("memory"), &r.MemoryBytes, d.memory(limits.get("memory"), int64(l.MemoryBytes)))
		d.either(root.get("cpus"), limits.get("cpus"), &r.NanoCPUs, d.nanoCPUs(limits.get("cpus"), float32(l.NanoCPUs)))
		d.either(root.get("pids_limit"), limits.get("pids"), &r.PidsLimit, d.positive(limits.get("pids"), l.Pids))
	}
	if v := c.Reservations; v != nil {
		memory := at.get("reservations", "memory")
		d.either(root.get("mem_reservation"), memory, &r.MemoryReservationBytes, d.memory(memory, int64(v.MemoryBytes)))
	}
}

// either takes a limit from deploy, and refuses one that is set at the service as well.
func (d *definition) either(at, deploy *item, limit *int64, value int64) {
	switch {
	case !deploy.set():
	case at.set():
		d.bad(at.position, "is also set under deploy.resources", "keep one")
	default:
		*limit = value
	}
}

func (d *definition) memory(it *item, bytes int64) int64 {
	if it.set() && bytes < minMemory {
		d.bad(it.position, "is less than the Engine gives any container", "write 6m or more")
	}
	return bytes
}

// swap checks what memory and swap together may be; the Engine would say so only when the container is made.
func (d *definition) swap(root *item, r workload.Resources) {
	it := root.get("memswap_limit")
	switch {
	case !it.set() || r.MemorySwapBytes == -1:
	case r.MemoryBytes == 0:
		d.bad(it.position, "needs mem_limit as well", "add it")
	case r.MemorySwapBytes < r.MemoryBytes:
		d.bad(it.position, "is memory and swap together, and less than the memory alone", "write at least mem_limit, or -1 for no limit on swap")
	}
}

func (d *definition) positive(it *item, n int64) int64 {
	if it.set() && n < 1 {
		d.bad(it.position, "is out of range", "write a number from 1 on")
	}
	return n
}

// nanoCPUs returns billionths of a CPU. compose-go keeps single precision, so the digits that it made up are rounded off.
func (d *definition) nanoCPUs(it *item, cpus float32) int64 {
	if it.set() && (!(cpus > 0) || cpus > 1024) {
		d.bad(it.position, "is out of range", "write a number above 0, such as 0.5 or 2")
		return 0
	}
	return int64(math.Round(float64(cpus)*1e4)) * 1e5
}
