// The fixed text of the page. Nothing is ever put into it but the policy, which follows from the rest.

extension HTMLReport {
  static let head = """
    <!DOCTYPE html>
    <html lang="en">
    <head>
    <meta charset="utf-8">
    <meta http-equiv="Content-Security-Policy" content="\(policy)">
    <meta name="referrer" content="no-referrer">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta name="color-scheme" content="light dark">
    <title>Run report</title>
    <style>
    """

  static let body = """
    </style>
    </head>
    <body>
    <noscript><p>This page needs JavaScript: it holds the run as data, and draws it here. Nothing is fetched.</p></noscript>
    <header>
      <h1 id="title">Run report</h1>
      <dl id="facts"></dl>
      <div id="counts" role="group" aria-label="Nodes by state: choose one to filter the table"></div>
    </header>
    <div id="columns">
    <main>
      <section id="problems" aria-labelledby="problems-title" hidden>
        <h2 id="problems-title">What went wrong</h2>
        <ol id="problem-list"></ol>
        <p id="problem-rest" class="quiet"></p>
      </section>
      <section id="suggestions" aria-labelledby="suggestions-title" hidden>
        <h2 id="suggestions-title">Suggestions</h2>
        <ul id="suggestion-list"></ul>
      </section>
      <section aria-labelledby="graph-title">
        <div class="bar">
          <h2 id="graph-title">Workflow</h2>
          <span class="tools" id="graph-tools">
            <button type="button" id="graph-out" title="Smaller">−</button>
            <button type="button" id="graph-in" title="Larger">+</button>
            <button type="button" id="graph-fit">Fit</button>
          </span>
        </div>
        <div id="graph" tabindex="0" role="group" aria-label="The workflow's graph; the table has the same nodes"></div>
        <p id="graph-note" class="quiet" hidden></p>
      </section>
      <section aria-labelledby="chart-title">
        <div class="bar">
          <h2 id="chart-title">Time</h2>
          <span class="tools">
            <button type="button" id="chart-out" title="Zoom out (-)">−</button>
            <button type="button" id="chart-in" title="Zoom in (+)">+</button>
            <button type="button" id="chart-all" title="The whole run (0)">Whole run</button>
            <button type="button" id="chart-fit" title="The time of the rows in sight (F)">Rows in sight</button>
          </span>
        </div>
        <canvas id="overview" role="img" aria-label="How many nodes ran and waited, over time"></canvas>
        <div id="chart" tabindex="0" role="group"
          aria-label="Attempts over time, one row a node. Arrow keys move, plus and minus zoom.">
          <div id="chart-inside"><canvas id="chart-canvas"></canvas></div>
          <div id="tip" hidden></div>
        </div>
        <p id="chart-legend" class="quiet"></p>
      </section>
      <section aria-labelledby="table-title">
        <div class="bar">
          <h2 id="table-title">Nodes</h2>
          <span class="tools">
            <label>Filter <input id="filter" type="search" placeholder="name or type" autocomplete="off"></label>
            <label>State <select id="state-filter"></select></label>
          </span>
        </div>
        <div id="table-box">
          <table id="table" role="grid" tabindex="0" aria-labelledby="table-title">
            <thead><tr id="table-head"></tr></thead>
            <tbody id="table-body"></tbody>
          </table>
        </div>
        <p id="table-note" class="quiet" aria-live="polite"></p>
      </section>
    </main>
    <aside id="details" aria-labelledby="detail-title">
      <h2 id="detail-title" tabindex="-1">Details</h2>
      <div id="detail"><p class="quiet">Choose a node in the picture, the chart or the table.</p></div>
    </aside>
    </div>
    <script type="application/json" id="data">

    """

  static let beforeScript = """

    </script>
    <script>
    """

  static let end = """
    </script>
    </body>
    </html>

    """
}
