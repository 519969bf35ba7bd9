package fine

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
)

// patience is for how long Redis is asked again when it does not answer.
const patience = 15 * time.Second

const begin = `
local ready, leases, items, attempts, dead = unpack(KEYS)
local token, seconds, most = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local function forget(one)
  redis.call('ZREM', leases, one)
  redis.call('HDEL', items, one)
  redis.call('HDEL', attempts, one)
end
`

const ifLive = `
if tonumber(redis.call('ZSCORE', leases, token) or 0) <= now then return 0 end
`

// Scripts is what is done with an item, in Lua; all but Claim answer whether it took effect.
type Scripts struct{ Claim, Renew, Complete, GiveBack, BreakOff string }

// Leased are the scripts of ../../reference/fine/workqueue.py, which says what they are for:
// workers of both kinds can share a queue.
var Leased = Scripts{
	Claim: `
if redis.call('ZSCORE', leases, token) then return redis.call('HGET', items, token) end
local item, attempt
for _, old in ipairs(redis.call('ZRANGEBYSCORE', leases, '-inf', now)) do
  item, attempt = redis.call('HGET', items, old), tonumber(redis.call('HGET', attempts, old))
  forget(old)
  if attempt < most then break end
  redis.call('RPUSH', dead, item)
  item = nil
end
if not item then item, attempt = redis.call('LPOP', ready), 0 end
if not item then return false end
redis.call('ZADD', leases, now + seconds, token)
redis.call('HSET', items, token, item)
redis.call('HSET', attempts, token, attempt + 1)
return item
`,
	Renew:    ifLive + `redis.call('ZADD', leases, now + seconds, token) return 1`,
	Complete: ifLive + `forget(token) return 1`,
	GiveBack: ifLive + `redis.call('ZADD', leases, now, token) return 1`,
	BreakOff: ifLive + `redis.call('HINCRBY', attempts, token, -1) redis.call('ZADD', leases, now, token) return 1`,
}

// queue is one session's view of a work queue in Redis.
type queue struct {
	client  *redis.Client
	keys    []string
	rules   [2]any
	session string
	claimed int

	claim, renew, complete, giveBack, breakOff *redis.Script
}

func newQueue(host, name string, lease float64, maxAttempts int, scripts Scripts) *queue {
	script := func(source string) *redis.Script { return redis.NewScript(begin + source) }
	return &queue{
		client:   redis.NewClient(&redis.Options{Addr: host + ":6379", MaxRetries: -1}),
		keys:     []string{name, name + ":leases", name + ":items", name + ":attempts", name + ":dead"},
		rules:    [2]any{lease, maxAttempts},
		session:  rand.Text(),
		claim:    script(scripts.Claim),
		renew:    script(scripts.Renew),
		complete: script(scripts.Complete),
		giveBack: script(scripts.GiveBack),
		breakOff: script(scripts.BreakOff),
	}
}

// Empty says whether nothing is ready and nobody has anything, at one and the same moment.
func (q *queue) Empty() (bool, error) {
	ctx := context.Background()
	var ready, leased *redis.IntCmd
	err := patiently(func() error {
		_, err := q.client.TxPipelined(ctx, func(both redis.Pipeliner) error {
			ready, leased = both.LLen(ctx, q.keys[0]), both.ZCard(ctx, q.keys[1])
			return nil
		})
		return err
	})
	return err == nil && ready.Val() == 0 && leased.Val() == 0, err
}

// Claim takes an item: its token and its bytes; found is false when there is none to take.
func (q *queue) Claim() (token, item string, found bool, err error) {
	q.claimed++
	token = fmt.Sprintf("%s:%d", q.session, q.claimed)
	item, err = q.run(q.claim, token).Text()
	if errors.Is(err, redis.Nil) {
		return "", "", false, nil
	}
	return token, item, err == nil, err
}

// tell runs a script for the item of a token; it says whether the lease was live.
func (q *queue) tell(script *redis.Script, token string) (bool, error) {
	live, err := q.run(script, token).Int()
	return live == 1, err
}

func (q *queue) run(script *redis.Script, token string) (answer *redis.Cmd) {
	_ = patiently(func() error {
		answer = script.Run(context.Background(), q.client, q.keys, token, q.rules[0], q.rules[1])
		return answer.Err()
	})
	return answer
}

// patiently asks until Redis answers, be it with an error. Asking twice is safe: whoever gets no
// answer asks again with the same token.
func patiently(ask func() error) error {
	end := time.Now().Add(patience)
	for {
		err := ask()
		var answer redis.Error
		if err == nil || errors.As(err, &answer) || time.Now().After(end) {
			return err
		}
		time.Sleep(500 * time.Millisecond)
	}
}
