package orders

import (
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// elapsed is how long operations took.
type elapsed struct {
	Seconds    float64 `json:"seconds"`
	CPUSeconds float64 `json:"cpuSeconds"`
}

// timed does the work so many times, so many at a time.
func timed(o order, work func(n int) error) (elapsed, error) {
	var next atomic.Int64
	var group sync.WaitGroup
	failures := make(chan error, o.Parallel)
	start, before := time.Now(), cpuSeconds()
	for range o.Parallel {
		group.Add(1)
		go func() {
			defer group.Done()
			for n := int(next.Add(1)) - 1; n < o.Count; n = int(next.Add(1)) - 1 {
				if err := work(n); err != nil {
					failures <- err
					return
				}
			}
		}()
	}
	group.Wait()
	used := elapsed{time.Since(start).Seconds(), cpuSeconds() - before}
	select {
	case err := <-failures:
		return used, err
	default:
		return used, nil
	}
}

// cpuSeconds is what this process has used, in all its threads.
func cpuSeconds() float64 {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 0
	}
	return float64(usage.Utime.Nano()+usage.Stime.Nano()) / 1e9
}
