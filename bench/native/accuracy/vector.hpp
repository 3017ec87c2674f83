// Four doubles at once with glibc's vector mathematics (within 4 ulp of double, which is 2^-27 of a
// float32 ulp): what makes all float32 inputs affordable. It is called by name, so that no
// compiler decides whether a loop is vectorised.
#pragma once

#ifdef RANVIER_LIBMVEC

namespace accuracy {

struct Vector {
    using Lanes = double __attribute__((vector_size(32)));
    Lanes lanes;

    Vector(Lanes l) : lanes(l) {}
    Vector(double x) : lanes{x, x, x, x} {}

    friend Vector operator-(Vector a) { return -a.lanes; }
    friend Vector operator+(Vector a, Vector b) { return a.lanes + b.lanes; }
    friend Vector operator-(Vector a, Vector b) { return a.lanes - b.lanes; }
    friend Vector operator*(Vector a, Vector b) { return a.lanes * b.lanes; }
    friend Vector operator/(Vector a, Vector b) { return a.lanes / b.lanes; }

    using Mask = decltype(lanes < lanes);
    friend Mask operator<(Vector a, Vector b) { return a.lanes < b.lanes; }
    friend Mask operator<=(Vector a, Vector b) { return a.lanes <= b.lanes; }
    friend Mask operator>(Vector a, Vector b) { return a.lanes > b.lanes; }
    friend Mask operator>=(Vector a, Vector b) { return a.lanes >= b.lanes; }
    friend Mask operator==(Vector a, Vector b) { return a.lanes == b.lanes; }
};

inline Vector select(Vector::Mask condition, Vector yes, Vector no) {
    return condition ? yes.lanes : no.lanes;
}

namespace libmvec {
extern "C" {
[[gnu::const]] Vector::Lanes _ZGVdN4v_exp(Vector::Lanes);
[[gnu::const]] Vector::Lanes _ZGVdN4v_expm1(Vector::Lanes);
[[gnu::const]] Vector::Lanes _ZGVdN4v_log1p(Vector::Lanes);
[[gnu::const]] Vector::Lanes _ZGVdN4v_tanh(Vector::Lanes);
[[gnu::const]] Vector::Lanes _ZGVdN4v_cosh(Vector::Lanes);
[[gnu::const]] Vector::Lanes _ZGVdN4v_erfc(Vector::Lanes);
}
}  // namespace libmvec

namespace math {

/// libmvec leaves arguments whose result over- or underflows to a scalar call for each lane. No
/// float32 result tells e^-700 from 0 or e^700 from infinity, so they are cut to 0 and
/// something finite; NaN passes.
inline Vector cut(Vector x, double low, double high) {
    return select(x < low, low, select(x > high, high, x));
}

inline Vector absolute(Vector x) {
    return select(x < 0.0, -x, x);
}
inline Vector sqrt(Vector x) {
    Vector::Lanes root = x.lanes;
    for (int i = 0; i < 4; ++i) root[i] = __builtin_sqrt(root[i]);
    return root;
}
inline Vector exp(Vector x) {
    return select(x < -700, 0.0, libmvec::_ZGVdN4v_exp(cut(x, -700, 700).lanes));
}
inline Vector expm1(Vector x) {
    return libmvec::_ZGVdN4v_expm1(cut(x, -700, 700).lanes);
}
inline Vector log1p(Vector x) {
    return libmvec::_ZGVdN4v_log1p(x.lanes);
}
inline Vector tanh(Vector x) {
    return libmvec::_ZGVdN4v_tanh(cut(x, -20, 20).lanes);
}
inline Vector cosh(Vector x) {
    return libmvec::_ZGVdN4v_cosh(cut(x, -700, 700).lanes);
}
inline Vector erfc(Vector x) {
    return select(x > 26, 0.0, libmvec::_ZGVdN4v_erfc(cut(x, -6, 26).lanes));
}

}  // namespace math
}  // namespace accuracy

#else

namespace accuracy {
using Vector = double;
}

#endif
