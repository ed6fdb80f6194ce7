package world

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// Network is a bridge network of this run.
type Network struct {
	ID      string
	Name    string
	Gateway string // the host's address on it, under which its containers reach the host

	engine *Engine
}

// Network makes a network.
func (w *World) Network(ctx context.Context) (*Network, error) {
	n := &Network{Name: w.name("net"), engine: w.Engine}
	var made struct{ ID string }
	err := w.Engine.Call(ctx, "POST", "/networks/create", nil, map[string]any{
		"Name": n.Name, "Driver": "bridge", "CheckDuplicate": true, "Labels": w.labels(),
	}, &made)
	if err != nil {
		return nil, err
	}
	n.ID = made.ID
	var is struct {
		IPAM struct{ Config []struct{ Gateway string } }
	}
	if err := w.Engine.Call(ctx, "GET", "/networks/"+n.ID, nil, nil, &is); err != nil {
		return nil, err
	}
	if len(is.IPAM.Config) == 0 || is.IPAM.Config[0].Gateway == "" {
		return nil, fmt.Errorf("the engine gave the network %s no gateway", n.Name)
	}
	n.Gateway = is.IPAM.Config[0].Gateway
	return n, nil
}

// Remove removes the network before the run ends: an Engine has room for some thirty. Its containers must be gone.
func (n *Network) Remove(ctx context.Context) error { return n.engine.removeNetwork(ctx, n.ID) }

// removeNetwork removes a network. Engine 20.10 sometimes holds on to the endpoint of a container that is long gone, and
// then to the network until it is started again: that one is left to it.
func (e *Engine) removeNetwork(ctx context.Context, id string) error {
	err := gone(e.Call(ctx, "DELETE", "/networks/"+id, nil, nil, nil))
	if refusal, ok := errors.AsType[*Refusal](err); !ok || refusal.Status != 403 || !strings.Contains(refusal.Message, "active endpoints") {
		return err
	}
	var is struct{ Containers map[string]any }
	if look := e.Call(ctx, "GET", "/networks/"+id, nil, nil, &is); look != nil || len(is.Containers) > 0 {
		return err
	}
	return nil
}
