import java.io.BufferedReader;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.apache.lucene.analysis.Analyzer;
import org.apache.lucene.analysis.core.WhitespaceAnalyzer;
import org.apache.lucene.document.Document;
import org.apache.lucene.document.Field;
import org.apache.lucene.document.TextField;
import org.apache.lucene.index.Term;
import org.apache.lucene.monitor.MatchingQueries;
import org.apache.lucene.monitor.Monitor;
import org.apache.lucene.monitor.MonitorConfiguration;
import org.apache.lucene.monitor.MonitorQuery;
import org.apache.lucene.monitor.MultipassTermFilteredPresearcher;
import org.apache.lucene.monitor.Presearcher;
import org.apache.lucene.monitor.QueryMatch;
import org.apache.lucene.monitor.TermFilteredPresearcher;
import org.apache.lucene.search.BooleanClause.Occur;
import org.apache.lucene.search.BooleanQuery;
import org.apache.lucene.search.PhraseQuery;
import org.apache.lucene.search.PrefixQuery;
import org.apache.lucene.search.Query;
import org.apache.lucene.search.TermQuery;

/**
 * Lucene Monitor on the workload that the benchmark of live/ writes: Match DIR SECONDS. What each mode finds for the first
 * tweets is compared with what must be; then it runs for so long, and its figure is tweets for a second of this process's CPU time.
 */
public final class Match {
  static final String WORDS = "w";
  static final String STARTS = "s"; // the words' beginnings, so that a prefix is a term

  public static void main(String[] args) throws Exception {
    Path dir = Path.of(args[0]);
    double seconds = Double.parseDouble(args[1]);
    List<String> checks = Files.readAllLines(dir.resolve("checks"));
    List<String> tweets = Files.readAllLines(dir.resolve("tweets"));
    for (String mode : new String[] {"plain", "starts", "multipass"}) {
      boolean starts = !mode.equals("plain");
      Presearcher presearcher = mode.equals("multipass") ? new MultipassTermFilteredPresearcher(3) : new TermFilteredPresearcher();
      try (Analyzer analyzer = new WhitespaceAnalyzer();
          Monitor monitor = new Monitor(analyzer, presearcher, new MonitorConfiguration())) {
        double begun = cpu();
        int queries = register(monitor, dir.resolve("queries"), starts);
        System.err.printf("lucene %s: %d queries registered, %.0f a second%n", mode, queries, queries / (cpu() - begun));
        List<Document> documents = new ArrayList<>();
        for (String tweet : tweets.subList(0, 2000)) documents.add(document(tweet, starts));
        for (int batch : new int[] {1, 1000}) {
          String[] check = checks.get(batch == 1 ? 0 : 1).split(" ");
          int checked = Integer.parseInt(check[0]);
          long sum = 0;
          for (int from = 0; from < checked; from += batch) {
            sum += match(monitor, documents, from, Math.min(batch, checked - from));
          }
          if (sum != Long.parseUnsignedLong(check[1], 16)) {
            throw new IllegalStateException(mode + " finds other queries for the first " + checked + " tweets");
          }
          System.out.printf("lucene-%s-%d %d %.0f%n", mode, batch, queries, run(monitor, tweets, starts, batch, seconds));
        }
      }
    }
  }

  /** run is how many tweets a second of CPU time are matched, their documents made too, after half of the time to warm up. */
  static double run(Monitor monitor, List<String> tweets, boolean starts, int batch, double seconds) throws IOException {
    double rate = 0;
    int at = 0;
    for (double limit : new double[] {seconds / 2, seconds}) {
      double begun = cpu();
      int done = 0;
      while (cpu() - begun < limit) {
        List<Document> documents = new ArrayList<>(batch);
        for (int i = 0; i < batch; i++) documents.add(document(tweets.get(at++ % tweets.size()), starts));
        match(monitor, documents, 0, batch);
        done += batch;
      }
      rate = done / (cpu() - begun);
    }
    return rate;
  }

  static long match(Monitor monitor, List<Document> documents, int from, int n) throws IOException {
    long sum = 0;
    if (n == 1) {
      MatchingQueries<QueryMatch> matches = monitor.match(documents.get(from), QueryMatch.SIMPLE_MATCHER);
      for (QueryMatch m : matches.getMatches()) sum += mix(Integer.parseInt(m.getQueryId()), from);
      return sum;
    }
    var matches = monitor.match(documents.subList(from, from + n).toArray(new Document[0]), QueryMatch.SIMPLE_MATCHER);
    for (int i = 0; i < n; i++) {
      for (QueryMatch m : matches.getMatches(i)) sum += mix(Integer.parseInt(m.getQueryId()), from + i);
    }
    return sum;
  }

  /** mix is the last step of splitmix64 of a query and a tweet. */
  static long mix(long query, long tweet) {
    long z = (query << 32 | tweet) + 0x9E3779B97F4A7C15L;
    z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
    z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
    return z ^ (z >>> 31);
  }

  static double cpu() {
    return ((com.sun.management.OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean()).getProcessCpuTime() / 1e9;
  }

  static Document document(String tweet, boolean starts) {
    Document d = new Document();
    d.add(new TextField(WORDS, tweet, Field.Store.NO));
    if (starts) {
      StringBuilder all = new StringBuilder();
      for (String word : tweet.split(" ")) {
        int points = word.codePointCount(0, word.length());
        for (int n = 1; n <= Math.min(points, 20); n++) all.append(word, 0, word.offsetByCodePoints(0, n)).append(' ');
      }
      d.add(new TextField(STARTS, all.toString(), Field.Store.NO));
    }
    return d;
  }

  static int register(Monitor monitor, Path file, boolean starts) throws IOException {
    List<MonitorQuery> batch = new ArrayList<>();
    int n = 0;
    try (BufferedReader in = Files.newBufferedReader(file)) {
      for (String line; (line = in.readLine()) != null; n++) {
        batch.add(new MonitorQuery(Integer.toString(n), new Reader(line.split(" "), starts).query()));
        if (batch.size() == 10_000) {
          monitor.register(batch);
          batch.clear();
        }
      }
    }
    monitor.register(batch);
    return n;
  }

  /** Reader reads a query in prefix form: T word, P beginning, H n words, A n parts, O n parts, N part. */
  static final class Reader {
    private final String[] parts;
    private final boolean starts;
    private int at;

    Reader(String[] parts, boolean starts) {
      this.parts = parts;
      this.starts = starts;
    }

    Query query() {
      String op = parts[at++];
      switch (op) {
        case "T":
          return new TermQuery(new Term(WORDS, parts[at++]));
        case "P":
          String prefix = parts[at++];
          return starts && prefix.codePointCount(0, prefix.length()) <= 20 ? new TermQuery(new Term(STARTS, prefix)) : new PrefixQuery(new Term(WORDS, prefix));
        case "H":
          PhraseQuery.Builder phrase = new PhraseQuery.Builder();
          for (int n = Integer.parseInt(parts[at++]); n > 0; n--) phrase.add(new Term(WORDS, parts[at++]));
          return phrase.build();
        case "A":
        case "O":
          BooleanQuery.Builder all = new BooleanQuery.Builder();
          for (int n = Integer.parseInt(parts[at++]); n > 0; n--) {
            boolean not = parts[at].equals("N");
            if (not) at++;
            all.add(query(), not ? Occur.MUST_NOT : op.equals("A") ? Occur.MUST : Occur.SHOULD);
          }
          return all.build();
        default:
          throw new IllegalArgumentException(op);
      }
    }
  }
}
