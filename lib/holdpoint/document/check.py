def errors(d): return []
def warnings(d): return []
def cross(r): return ()
