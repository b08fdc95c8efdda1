package chat

import (
	"container/list"
	"sync"
)

// lobby holds the rooms: those in use, and a bounded number of idle ones.
type lobby struct {
	log *log
	max int // idle ones

	mu     sync.Mutex
	rooms  map[string]*room
	idle   list.List               // of *room, the longest idle first
	idleAt map[*room]*list.Element // of the idle ones
}

func newLobby(l *log, maxIdle int) *lobby {
	return &lobby{log: l, max: maxIdle, rooms: map[string]*room{}, idleAt: map[*room]*list.Element{}}
}

// enter returns the session's room. Call leave after use.
func (l *lobby) enter(session string) *room {
	l.mu.Lock()
	defer l.mu.Unlock()
	r := l.rooms[session]
	if r == nil {
		r = newRoom(session, l.log)
		l.rooms[session] = r
	}
	if element := l.idleAt[r]; element != nil {
		l.idle.Remove(element)
		delete(l.idleAt, r)
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
	l.idleAt[r] = l.idle.PushBack(r)
	for l.idle.Len() > l.max {
		oldest := l.idle.Remove(l.idle.Front()).(*room)
		delete(l.idleAt, oldest)
		delete(l.rooms, oldest.session)
	}
}

// find returns the session's room, nil if there is none. It may become idle any time.
func (l *lobby) find(session string) *room {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.rooms[session]
}
