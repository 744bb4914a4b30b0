"""What Flask-Talisman does, as one JSON object.

    python3 talisman.py KEYWORDS...

KEYWORDS is what stands between the parentheses of Talisman(app, ...), "" for its defaults; the answer to each is
a list: status, fields of GET / over HTTPS; status, Location of GET / and POST / over HTTP; status of GET / over
HTTP with X-Forwarded-Proto: https; status of GET /healthz over HTTP, which is @talisman(force_https=False).
"""
import json
import sys

import flask
from flask_talisman import ALLOW_FROM, Talisman  # ALLOW_FROM may be one of the keywords


def ask(keywords):
    app = flask.Flask(__name__)
    app.secret_key = 'of nobody'
    talisman = eval(f'Talisman(app, {keywords})', {'Talisman': Talisman, 'app': app, 'ALLOW_FROM': ALLOW_FROM})

    @app.route('/', methods=['GET', 'POST'])
    def page():
        flask.session['user'] = 1
        return 'page'

    @app.route('/healthz')
    @talisman(force_https=False)
    def healthz():
        return 'healthy'

    def request(method='GET', path='/', scheme='https', **headers):
        return app.test_client().open(path, method=method, base_url=f'{scheme}://localhost/', headers=headers)

    own = request()
    plain = [request(method, scheme='http') for method in ('GET', 'POST')]
    return {
        'status': own.status_code,
        'fields': [[name, value] for name, value in own.headers],
        'plain': [[answer.status_code, answer.headers.get('Location')] for answer in plain],
        'forwarded': request(scheme='http', **{'X-Forwarded-Proto': 'https'}).status_code,
        'exempt': request(path='/healthz', scheme='http').status_code,
    }


print(json.dumps({keywords: ask(keywords) for keywords in sys.argv[1:]}))
