package draft

import (
	"fmt"
	"slices"
	"strings"

	"github.com/capakraken/fairlead/internal/fault"
	"github.com/capakraken/fairlead/internal/workload"
)

// FromContainers adds to a the containers as services of one app. They must be of one image, since an app is rolled out
// with one.
func (a App) FromContainers(found []workload.Existing) (App, error) {
	var problems []fault.Problem
	var names []string
	for _, c := range found {
		names = append(names, c.Service.ContainerName)
		if a.Name == "" {
			a.Name = PlainName(firstOf(c.Project, c.Service.ContainerName), "app")
		}
		switch {
		case c.Image.Repository == "":
			a.Notes = append(a.Notes, c.Service.ContainerName+" was made from an image without a name, which no registry can be asked for")
		case a.Repository == "":
			a.Repository = c.Image.Repository
		case a.Repository != c.Image.Repository:
			problems = append(problems, fault.Problem{Where: "container " + c.Service.ContainerName, What: "is of the image " + c.Image.Repository + ", and not of " + a.Repository,
				Fix: "draft a configuration for each image by itself: an app is one image, with one or more services"})
		}
		service := Service{Name: serviceName(c.Service.Name), Definition: &c.Service, Port: port(c), Health: c.Health || c.Service.Healthcheck != nil,
			Anonymous: c.Anonymous, Withheld: c.Withheld, Beyond: c.Beyond}
		if slices.ContainsFunc(a.Services, func(s Service) bool { return s.Name == service.Name }) {
			problems = append(problems, fault.Problem{Where: "container " + c.Service.ContainerName, What: "is a second container of service " + service.Name,
				Fix: "name one container a service"})
		}
		a.Services = append(a.Services, service)
		a.Variables = append(a.Variables, c.Variables...)
	}
	a.From = "the container " + names[0]
	if len(names) > 1 {
		a.From = "the containers " + strings.Join(names, ", ")
	}
	return a, fault.Many(fault.Refused, "no configuration can be drafted from these containers", problems)
}

// serviceName makes of a container's name what a service may be called.
func serviceName(name string) string { return name[:min(63, len(name))] }

// port returns the one to ask: a published one before one that is only exposed.
func port(c workload.Existing) int {
	for _, p := range c.Service.Ports {
		if p.Protocol == "tcp" {
			return int(p.ContainerPort)
		}
	}
	if len(c.Exposed) > 0 {
		return int(c.Exposed[0])
	}
	return 0
}

func firstOf(texts ...string) string {
	for _, t := range texts {
		if t != "" {
			return t
		}
	}
	return ""
}

// count returns a number of things in words.
func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
