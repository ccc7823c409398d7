#!/usr/bin/env python3
"""Writes the small tree and the cases of this folder; needs Python whisper 1.1.10 (`pip install whisper`).

The expected answers are worked out here from the values themselves, not by any Graphite.
"""
import json, os, shutil, time, whisper

NOW = 1_700_000_040  # a multiple of 60
HERE = os.path.dirname(os.path.abspath(__file__))
TREE = os.path.join(HERE, 'whisper')

# One value a minute up to NOW; None is a gap. Values have few digits, so that text formats are obvious.
SERIES = {
    'servers.web01.load': [0.5, 1.0, None, 2.5, 3.0, 0.0, 1.5, 2.0, None, 4.0],
    'servers.web02.load': [1.0] * 10,
    'servers.web02.cpu.user': [float(value) for value in range(10)],
    'jobs.backup.seconds': [None] * 9 + [1e-05],
    'odd.plus+sign': [1e16] * 10,
}
FROM = NOW - 600  # excluded
TIMES = [FROM + 60 * (i + 1) for i in range(10)]


def write():
    shutil.rmtree(TREE, ignore_errors=True)
    time.time = lambda: NOW
    for name, values in SERIES.items():
        path = os.path.join(TREE, *name.split('.')) + '.wsp'
        os.makedirs(os.path.dirname(path), exist_ok=True)
        whisper.create(path, [(60, 60)])
        whisper.update_many(path, [(t, v) for t, v in zip(TIMES, values) if v is not None], now=NOW)


def series(name, values=None, tags=None, start=TIMES[0], step=60):
    values = SERIES[name] if values is None else values
    return {'target': name, 'tags': tags or {'name': name},
            'datapoints': [[v, start + step * i] for i, v in enumerate(values)]}


def cases():
    web01, web02, user = (SERIES[n] for n in ('servers.web01.load', 'servers.web02.load', 'servers.web02.cpu.user'))
    window = [['from', str(FROM)], ['until', str(NOW)], ['now', str(NOW)], ['tz', 'UTC']]
    js = 'application/json'

    def case(path, params, kind, method='GET', status=200, **body):
        params = [[k, v] for k, v in params]
        made.append({'id': 'own-%03d' % (len(made) + 1), 'fn': 'own', 'method': method, 'path': path, 'params': params,
                     'expect': {'status': status, 'type': kind, **body}})

    def render(target, fmt='json', method='GET', more=(), kind=js, **body):
        targets = [['target', t] for t in ([target] if isinstance(target, str) else target)]
        case('/render', targets + window + [['format', fmt]] + [list(p) for p in more], kind, method, **body)

    made = []
    render('servers.web01.load', json=[series('servers.web01.load')])
    render('servers.web01.load', method='POST', json=[series('servers.web01.load')])
    render('servers.*.load', json=[series('servers.web01.load'), series('servers.web02.load')])
    render(['servers.web02.load', 'jobs.**'], json=[series('servers.web02.load'), series('jobs.backup.seconds')])
    render('nosuch', json=[])
    render('alias(scale(servers.web02.cpu.user,10),"ten")',
           json=[series('ten', [v * 10 for v in user], {'name': 'servers.web02.cpu.user', 'scale': '10.0'})])
    render('servers.web02.cpu.user|scale(10)|alias("ten")',
           json=[series('ten', [v * 10 for v in user], {'name': 'servers.web02.cpu.user', 'scale': '10.0'})])
    render('servers.web01.load', more=[['noNullPoints', '1']], json=[
        {'target': 'servers.web01.load', 'tags': {'name': 'servers.web01.load'},
         'datapoints': [[v, t] for v, t in zip(web01, TIMES) if v is not None]}])
    render('servers.web01.load', 'raw', kind='text/plain', text='servers.web01.load,%d,%d,60|%s\n' % (
        TIMES[0], NOW + 60, ','.join(map(repr, web01))))
    render('odd.plus+sign', 'raw', kind='text/plain', text='odd.plus+sign,%d,%d,60|%s\n' % (
        TIMES[0], NOW + 60, ','.join(['1e+16'] * 10)))
    render('alias(servers.web02.cpu.user,"a,\'b\'")', 'csv', more=[['tz', 'Asia/Kolkata']], kind='text/csv', text=''.join(
        '"a,\'b\'",%s,%r\r\n' % (time.strftime('%Y-%m-%d %H:%M:%S', time.gmtime(t + 19800)), v) for t, v in zip(TIMES, user)))
    record = {'name': 'servers.web01.load', 'start': TIMES[0], 'end': NOW + 60, 'step': 60, 'values': web01,
              'pathExpression': 'servers.web01.load', 'valuesPerPoint': 1, 'consolidationFunc': 'average', 'xFilesFactor': 0.0}
    render('servers.web01.load', 'pickle', kind='application/pickle', pickle=[record])
    render('servers.web01.load', 'msgpack', kind='application/x-msgpack', msgpack=[record])
    render('servers.web01.load', 'rickshaw', json=[
        {'target': 'servers.web01.load', 'datapoints': [{'x': t, 'y': v} for t, v in zip(TIMES, web01)]}])
    render(['servers.web01.load', 'servers.web02.load'], 'dygraph', json={
        'labels': ['Time', 'servers.web01.load', 'servers.web02.load'],
        'data': [[t * 1000, a, b] for t, a, b in zip(TIMES, web01, web02)]})
    render('servers.web02.load', more=[['jsonp', 'f.g']], kind='text/javascript', text='f.g(%s)' % json.dumps(
        [series('servers.web02.load')]))
    case('/render', [['target', 'servers.web01.load'], ['width', '300'], ['height', '200']] + window, 'image/png', png=[300, 200])
    render('servers.web01.load', 'svg', kind='image/svg+xml', svg='<svg')
    render('nosuchfunction(a)', status=400)
    render('scale(servers.web01.load', status=400)

    tree = [{'text': t, 'id': 'servers.' + t, 'allowChildren': 1, 'expandable': 1, 'leaf': 0} for t in ('web01', 'web02')]
    case('/metrics/find', [['query', 'servers.*']], js, json=tree)
    case('/metrics/find', [['query', 'servers.*']], js, 'POST', json=tree)
    case('/metrics/find/', [['query', 'odd.*']], js, json=[
        {'text': 'plus sign', 'id': 'odd.plus+sign', 'allowChildren': 0, 'expandable': 0, 'leaf': 1}])
    case('/metrics/find', [['query', 'servers.web02.*'], ['format', 'json']], js, json=[
        {'path': 'servers.web02.cpu', 'is_leaf': False}, {'path': 'servers.web02.load', 'is_leaf': True}])
    case('/metrics/find', [['query', 'serv'], ['format', 'completer']], js, json={
        'metrics': [{'path': 'servers.', 'name': 'servers', 'is_leaf': '0'}]})
    case('/metrics/find', [['query', 'servers.*.load'], ['format', 'nodelist'], ['position', '1']], js, json={
        'nodes': ['web01', 'web02']})
    case('/metrics/find', [['query', 'servers.*'], ['wildcards', '1'], ['leavesOnly', '1']], js, json=[])
    case('/metrics/expand', [['query', 'servers.web02.*'], ['leavesOnly', '1']], js, json={'results': ['servers.web02.load']})
    case('/metrics/expand', [['query', 'jobs.*'], ['groupByExpr', '1']], js, json={'results': {'jobs.*': ['jobs.backup']}})
    case('/metrics/index.json', [], js, json=sorted(SERIES))
    case('/metrics/find', [], js, status=400)
    case('/version', [], 'text/html', text='1.1.10\n')
    # Tags stand in the order in which they were set, and groups in that of the request: scripts are compared as text.
    scaled = series('scale(sumSeries(servers.web02.load),2)', [2.0] * 10,
                    {'name': 'servers.web02.load', 'aggregatedBy': 'sum', 'scale': '2.0'})
    render('scale(sumSeries(servers.web02.load),2)', more=[['jsonp', 'f']], kind='text/javascript',
           text='f(%s)' % json.dumps([scaled]))
    case('/metrics/expand', [['query', 'odd.*'], ['query', 'jobs.*'], ['query', 'odd.*'], ['groupByExpr', '1'], ['jsonp', 'f']],
         'text/javascript', text='f({"results": {"odd.*": ["odd.plus+sign"], "jobs.*": ["jobs.backup"]}})')
    # A dot at the end asks for the branch itself.
    case('/metrics/find', [['query', 'servers.']], js, json=[
        {'text': '', 'id': 'servers.', 'allowChildren': 1, 'expandable': 1, 'leaf': 0}])
    case('/metrics/find', [['query', 'servers.*.'], ['format', 'json']], js, json=[
        {'path': 'servers.web01.', 'is_leaf': False}, {'path': 'servers.web02.', 'is_leaf': False}])
    case('/metrics/expand', [['query', 'servers.*.']], js, json={'results': ['servers.web01.', 'servers.web02.']})
    case('/metrics/find', [['query', 'servers.web01.load.']], js, json=[])
    case('/metrics/find', [['query', 'jobs..'], ['format', 'json']], js, json=[{'path': 'jobs.', 'is_leaf': False}])
    case('/metrics/find', [['query', 'servers.*'], ['format', 'nodelist'], ['position', '5']], js, status=400)
    # So does an alternative that is empty, and above the first dot the whole tree is found, which has no name.
    case('/metrics/find', [['query', 'servers.{web02,}']], js, json=[
        {'text': t, 'id': 'servers.' + t, 'allowChildren': 1, 'expandable': 1, 'leaf': 0} for t in ('', 'web02')])
    case('/metrics/find', [['query', 'servers.*.{}'], ['format', 'json']], js, json=[
        {'path': 'servers.web01.', 'is_leaf': False}, {'path': 'servers.web02.', 'is_leaf': False}])
    case('/metrics/find', [['query', '..']], js, json=[
        {'text': '', 'id': '..', 'allowChildren': 1, 'expandable': 1, 'leaf': 0}])
    case('/metrics/expand', [['query', '{odd,}'], ['query', '']], js, json={'results': ['', 'odd']})
    case('/metrics/expand', [['query', ''], ['leavesOnly', '1']], js, json={'results': []})
    # A window of no points knows nothing, and the name of a method stays as it was given.
    render('stdev(servers.web02.load,0)', json=[
        series('stdev(servers.web02.load,0)', [None] * 10, {'name': 'servers.web02.load', 'stdev': '0'})])
    short = 'consolidateBy(servers.web01.load,"avg")'
    render(short, 'pickle', kind='application/pickle', pickle=[
        dict(record, name=short, pathExpression=short, consolidationFunc='avg')])
    # Lists of Python hold anything: texts, and whole numbers among floats. Scripts and lines are compared as text.
    word = dict(series('x', ['x'] * 3, {'name': 'x'}, FROM, 300))
    render('constantLine("x")', json=[word])
    render('constantLine("x")', more=[['jsonp', 'f'], ['pretty', '1']], kind='text/javascript',
           text='f(%s)' % json.dumps([word], indent=2))
    render('threshold("x","far, far")', 'csv', kind='text/csv', text=''.join(
        '"far, far",%s,x\r\n' % time.strftime('%Y-%m-%d %H:%M:%S', time.gmtime(FROM + at)) for at in (0, 300, 600)))
    render('alias(constantLine("it\'s"),"x")', 'raw', kind='text/plain', text='x,%d,%d,300|"it\'s","it\'s","it\'s"\n' % (FROM, NOW))
    line = {'name': 'x', 'start': FROM, 'end': NOW, 'step': 300, 'values': ['x'] * 3, 'pathExpression': 'constantLine(x)',
            'valuesPerPoint': 1, 'consolidationFunc': 'average', 'xFilesFactor': 0.0}
    render('constantLine("x")', 'pickle', kind='application/pickle', pickle=[line])
    render('constantLine("x")', 'msgpack', kind='application/x-msgpack', msgpack=[line])
    filled = 'transformNull(servers.web01.load,0)'
    render('transformNull(servers.web01.load)', 'raw', kind='text/plain', text='%s,%d,%d,60|%s\n' % (
        filled, TIMES[0], NOW + 60, ','.join('0' if v is None else repr(v) for v in web01)))
    render('transformNull(servers.web01.load)', more=[['jsonp', 'f']], kind='text/javascript', text='f(%s)' % json.dumps(
        [series(filled, [0 if v is None else v for v in web01], {'name': 'servers.web01.load', 'transformNull': '0'})]))
    render('scale(transformNull(servers.web01.load),0.5)', 'raw', kind='text/plain', text='scale(%s,0.5),%d,%d,60|%s\n' % (
        filled, TIMES[0], NOW + 60, ','.join(repr((v or 0.0) * 0.5) for v in web01)))
    ema = 'exponentialMovingAverage(jobs.backup.seconds,2)'
    render(ema, more=[['jsonp', 'f']], kind='text/javascript', text='f(%s)' % json.dumps([
        series(ema, [0] + [None] * 9 + [7e-06], {'name': 'jobs.backup.seconds', 'exponentialMovingAverage': '2'})]))
    with open(os.path.join(HERE, 'cases.jsonl'), 'w') as out:
        for one in made:
            out.write(json.dumps(one) + '\n')


write()
cases()
