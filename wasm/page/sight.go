//go:build !js

package page

import "attache/bridge"

// Sight is an event as the page got it.
type Sight struct {
	Event bridge.Event
	Times int // how often it came; a page asks only for what it does not have
}

// sights are the events that came, in the order of their first coming.
type sights struct {
	position int64
	order    []sightKey
	seen     map[sightKey]*Sight
}

// sightKey identifies an event; the id alone does not, because another session may use it too.
type sightKey struct {
	id  int64
	key string
}

func newSights() sights { return sights{seen: map[sightKey]*Sight{}} }

// add reports whether the event came for the first time.
func (s *sights) add(e bridge.Event) bool {
	if e.Transient() {
		return true // it is not of the transcript
	}
	key := sightKey{e.ID, e.Key}
	s.position = max(s.position, e.ID)
	if seen := s.seen[key]; seen != nil {
		seen.Times++
		return false
	}
	s.seen[key] = &Sight{Event: e, Times: 1}
	s.order = append(s.order, key)
	return true
}

func (s *sights) list() []Sight {
	all := make([]Sight, len(s.order))
	for i, key := range s.order {
		all[i] = *s.seen[key]
	}
	return all
}
