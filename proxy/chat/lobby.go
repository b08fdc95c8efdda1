package chat

import (
	"container/list"
	"sync"
)

// lobby keeps the rooms: those in use, and a bounded number of those that were.
type lobby struct {
	log *log
	max int // idle ones

	mu    sync.Mutex
	rooms map[string]*room
	idle  list.List               // of *room, the longest idle first
	place map[*room]*list.Element // of the idle ones
}

func newLobby(l *log, maxIdle int) *lobby {
	return &lobby{log: l, max: maxIdle, rooms: map[string]*room{}, place: map[*room]*list.Element{}}
}

// enter returns the session's room, which leave must give back.
func (l *lobby) enter(session string) *room {
	l.mu.Lock()
	defer l.mu.Unlock()
	r := l.rooms[session]
	if r == nil {
		r = newRoom(session, l.log)
		l.rooms[session] = r
	}
	if element := l.place[r]; element != nil {
		l.idle.Remove(element)
		delete(l.place, r)
	}
	r.users++
	return r
}

func (l *lobby) leave(r *room) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if r.users--; r.users > 0 {
		return
	}
	l.place[r] = l.idle.PushBack(r)
	for l.idle.Len() > l.max {
		oldest := l.idle.Remove(l.idle.Front()).(*room)
		delete(l.place, oldest)
		delete(l.rooms, oldest.session)
	}
}

// find returns the session's room if there is one. It does not keep it.
func (l *lobby) find(session string) *room {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.rooms[session]
}
