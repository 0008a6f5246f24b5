import pytest, time
@pytest.mark.parametrize("n",[1,2,3])
def test_probe(fresh, n):
    t=time.time(); d=fresh.migrate("plan","--service","nope",check=None); print(time.time()-t); print(d.returncode, d.stdout, d.stderr)
def test_two(fresh):
    for sel in (["--tenant","district_a"],["--tenant","district_b"]):
        d=fresh.migrate("run","--as-of","2026-01-01",*sel,check=None); print(d.returncode, d.stdout, d.stderr)
def test_three(fresh):
    d=fresh.migrate("run","--as-of","2026-01-01","--service","student",check=None); print(d.returncode, d.stdout, d.stderr)
    d=fresh.migrate("run","--as-of","2026-01-01","--service","student","--entity","configuration.Grade","--entity","NSGrade",check=None); print(d.returncode, d.stdout, d.stderr)
    d=fresh.migrate("run","--as-of","2026-01-01",check=None); print(d.returncode, d.stdout, d.stderr)
