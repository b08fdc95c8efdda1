package proxy

import "sync"

// seatLocks are locks by key, each of which exists as long as somebody has it or waits for it.
type seatLocks struct {
	mu    sync.Mutex
	locks map[string]*seatLock
}

type seatLock struct {
	sync.Mutex
	users int // guarded by the mutex of seatLocks
}

// lock waits for the lock of key.
func (l *seatLocks) lock(key string) (unlock func()) {
	l.mu.Lock()
	if l.locks == nil {
		l.locks = map[string]*seatLock{}
	}
	one := l.locks[key]
	if one == nil {
		one = &seatLock{}
		l.locks[key] = one
	}
	one.users++
	l.mu.Unlock()
	one.Lock()
	return func() {
		one.Unlock()
		l.mu.Lock()
		defer l.mu.Unlock()
		if one.users--; one.users == 0 {
			delete(l.locks, key)
		}
	}
}
