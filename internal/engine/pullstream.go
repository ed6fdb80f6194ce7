package engine

import (
	"encoding/json"
	"errors"
	"io"
)

// Progress is how far a pull is. Total grows as the Engine learns of the layers.
type Progress struct {
	Done   int64 // bytes fetched
	Total  int64 // bytes to fetch, as far as they are known
	Layers int   // to fetch
	Ready  int   // fetched and unpacked
}

// pullMessage is one line of the Engine's account of a pull.
type pullMessage struct {
	ID       string `json:"id"`
	Status   string `json:"status"`
	Progress struct {
		Current int64 `json:"current"`
		Total   int64 `json:"total"`
	} `json:"progressDetail"`
	Error  string `json:"error"`
	Detail struct {
		Message string `json:"message"`
	} `json:"errorDetail"`
}

// layer is what is known of one layer on its way.
type layer struct {
	done, total int64
	ready       bool
}

// follow reads the Engine's account of a pull to its end and returns the bytes that were fetched. The account can hold
// an error after it began well; that error's text is the Engine's and is not for showing.
func follow(r io.Reader, progress func(Progress)) (int64, error) {
	layers := map[string]layer{}
	var last Progress
	for dec := json.NewDecoder(r); ; {
		var m pullMessage
		if err := dec.Decode(&m); errors.Is(err, io.EOF) {
			return last.Done, nil
		} else if err != nil {
			return last.Done, err
		}
		if m.Error != "" || m.Detail.Message != "" {
			return last.Done, errors.New(m.Detail.Message + " " + m.Error)
		}
		if !m.update(layers) {
			continue
		}
		if now := sum(layers); now != last {
			last = now
			if progress != nil {
				progress(now)
			}
		}
	}
}

// update folds one message into the layers, and reports whether it was about one.
func (m pullMessage) update(layers map[string]layer) bool {
	l := layers[m.ID]
	switch m.Status {
	case "Pulling fs layer", "Waiting":
	case "Downloading":
		l.done, l.total = m.Progress.Current, max(m.Progress.Total, m.Progress.Current)
	case "Download complete", "Verifying Checksum":
		l.done = l.total
	case "Pull complete":
		l.done, l.ready = l.total, true
	default: // about the whole image, or a layer that is here already
		return false
	}
	layers[m.ID] = l
	return true
}

func sum(layers map[string]layer) Progress {
	p := Progress{Layers: len(layers)}
	for _, l := range layers {
		p.Done += l.done
		p.Total += l.total
		if l.ready {
			p.Ready++
		}
	}
	return p
}
