// Reads a stream with the npm package eventsource and prints the id and the data of each tweet.
import { EventSource } from 'eventsource';

const source = new EventSource(process.argv[2]);
source.addEventListener('message', (e) => console.log(`${e.lastEventId} ${e.data}`));
