package org.mohawk4j.train.report;

/** The parts of HTML that every page has. */
public final class Html {
    /** Plain style for light and for dark. */
    static final String STYLE = """
        :root {
          color-scheme: light dark;
          --page: #ffffff; --card: #f5f6f8; --ink: #1c2128; --soft: #5d6673; --rule: #dde1e6; --link: #2b62c4;
        }
        @media (prefers-color-scheme: dark) {
          :root {
            --page: #14171b; --card: #1d2126; --ink: #e3e6ea; --soft: #9aa3ae; --rule: #31373f; --link: #86aef5;
          }
        }
        body { margin: 0; background: var(--page); color: var(--ink);
          font: 16px/1.5 system-ui, -apple-system, "Segoe UI", sans-serif; }
        main { max-width: 68rem; margin: 0 auto; padding: 2rem 1.25rem 4rem; }
        h1 { font-size: 1.7rem; line-height: 1.25; margin: 0 0 1.25rem; }
        h2 { font-size: 1.15rem; margin: 2.5rem 0 .6rem; }
        .note { color: var(--soft); font-size: .875rem; max-width: 46rem; }
        .tiles { display: flex; flex-wrap: wrap; gap: 1rem; }
        .tile { flex: 1 1 14rem; background: var(--card); border-radius: .6rem; padding: .9rem 1.1rem; }
        .tile h2 { font-size: .95rem; font-weight: 600; margin: 0; }
        .tile p { margin: 0; color: var(--soft); font-size: .875rem; }
        .tile .value { color: var(--ink); font-size: 2rem; line-height: 1.3;
          font-variant-numeric: tabular-nums; }
        .wide { overflow-x: auto; }
        table { border-collapse: collapse; min-width: 32rem; font-variant-numeric: tabular-nums; }
        th, td { text-align: left; padding: .35rem 1.4rem .35rem 0; border-bottom: 1px solid var(--rule); }
        th { color: var(--soft); font-weight: 500; font-size: .875rem; vertical-align: bottom; }
        .n { text-align: right; white-space: nowrap; }
        figure { margin: 0; min-width: 0; }
        figcaption { color: var(--soft); font-size: .875rem; padding: 0 .3rem .2rem; }
        img { max-width: 100%; height: auto; display: block; }
        .curves, .samples { display: grid; gap: 1.25rem;
          grid-template-columns: repeat(auto-fit, minmax(min(100%, 26rem), 1fr)); }
        .curves figure { display: flex; flex-direction: column-reverse; }
        details { border-top: 1px solid var(--rule); padding: .6rem 0; }
        details > figure { overflow-x: auto; padding-top: .6rem; }
        details > figure img { max-width: none; }
        summary { cursor: pointer; font-weight: 500; }
        blockquote { margin: 0; background: var(--card); border-radius: .6rem; padding: .9rem 1.1rem;
          white-space: pre-wrap; overflow-wrap: anywhere; }
        pre { background: var(--card); border-radius: .6rem; padding: .9rem 1.1rem; overflow-x: auto;
          font-size: .85rem; }
        a { color: var(--link); }
        """;

    private Html() {}

    /** Text that no browser takes for markup, in elements and in quoted attributes. */
    public static String escape(String text) {
        StringBuilder escaped = new StringBuilder(text.length() + 16);
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            switch (c) {
                case '&' -> escaped.append("&amp;");
                case '<' -> escaped.append("&lt;");
                case '>' -> escaped.append("&gt;");
                case '"' -> escaped.append("&quot;");
                case '\'' -> escaped.append("&#39;");
                default -> escaped.append(isShowable(c) ? c : '\uFFFD');
            }
        }
        return escaped.toString();
    }

    /** HTML allows no control characters but these; a byte-level tokenizer may sample others. */
    private static boolean isShowable(char c) {
        return (c >= ' ' && c != '\u007f') || c == '\n' || c == '\t' || c == '\r';
    }
}
