package main

import (
	"context"
	"time"

	"birdwatch/tweet"
)

// settleTime bounds how long a deletion waits for the archive. The journal has it by then, and the archive gets it when it can.
const settleTime = 5 * time.Second

// settledIntake is the intake of a server, whose archive follows the journal: deletions return when searches do not find the tweets any more.
type settledIntake struct{ intake }

// Delete is the intake's.
func (n settledIntake) Delete(ctx context.Context, ids []tweet.ID, by string) ([]bool, error) {
	deleted, err := n.intake.Delete(ctx, ids, by)
	if err == nil {
		n.settle(ctx)
	}
	return deleted, err
}

// DeleteUser is the intake's.
func (n settledIntake) DeleteUser(ctx context.Context, user tweet.ID) error {
	err := n.intake.DeleteUser(ctx, user)
	if err == nil {
		n.settle(ctx)
	}
	return err
}

// settle waits for the archive to have what the journal has now, unless something hinders it.
func (n settledIntake) settle(ctx context.Context) {
	if n.trouble.Load() != nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, settleTime)
	defer cancel()
	_ = n.journal.Acked(ctx, archiveFollower, n.journal.Last()) // what is late is done all the same
}
