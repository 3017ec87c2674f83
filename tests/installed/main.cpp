// Three rings around the origin, told apart by a network of one hidden layer: 2-24-3, GELU, Adam.
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <random>
#include <vector>

#include <ranvier/losses.hpp>
#include <ranvier/optimizers.hpp>
#include <ranvier/ranvier.hpp>
#include <ranvier/runtime.hpp>

using Array = std::vector<float>;

/// a (m x k) times b (k x n); a matrix product is the caller's own, or a BLAS's.
Array product(const Array& a, const Array& b, std::size_t m, std::size_t k, std::size_t n) {
    Array c(m * n);
    for (std::size_t i = 0; i < m; ++i)
        for (std::size_t p = 0; p < k; ++p)
            for (std::size_t j = 0; j < n; ++j) c[i * n + j] += a[i * k + p] * b[p * n + j];
    return c;
}

Array transposed(const Array& a, std::size_t m, std::size_t n) {
    Array b(a.size());
    for (std::size_t i = 0; i < m; ++i)
        for (std::size_t j = 0; j < n; ++j) b[j * m + i] = a[i * n + j];
    return b;
}

int main() {
    const std::size_t samples = 300, inputs = 2, hidden = 24, classes = 3;
    std::mt19937 random(0);
    std::uniform_real_distribution<float> uniform(-1, 1);
    Array x(samples * inputs), w1(inputs * hidden), w2(hidden * classes);
    std::vector<std::int64_t> labels(samples);
    for (std::size_t i = 0; i < samples; ++i) {
        labels[i] = static_cast<std::int64_t>(i % classes);
        const float angle = 3.1416f * uniform(random);
        const float radius = 1 + static_cast<float>(labels[i]) + 0.2f * uniform(random);
        x[2 * i] = radius * std::cos(angle);
        x[2 * i + 1] = radius * std::sin(angle);
    }
    for (float& w : w1) w = uniform(random);
    for (float& w : w2) w = 0.3f * uniform(random);

    const ranvier::Function gelu("gelu");
    ranvier::Adam adam{.lr = 5e-2};
    Array m1(w1.size()), v1(w1.size()), m2(w2.size()), v2(w2.size());
    Array y(samples * hidden), g(samples * classes), scores;
    double loss = 0;
    for (int step = 1; step <= 200; ++step) {
        const Array z = product(x, w1, samples, inputs, hidden);
        gelu.value(z.data(), y.data(), z.size());
        scores = product(y, w2, samples, hidden, classes);
        loss = ranvier::cross_entropy(scores.data(), labels.data(), g.data(), samples, classes);

        const Array g2 = product(transposed(y, samples, hidden), g, hidden, samples, classes);
        Array gz = product(g, transposed(w2, hidden, classes), samples, classes, hidden);
        gelu.vjp(gz.data(), z.data(), gz.data(), gz.size());
        const Array g1 = product(transposed(x, samples, inputs), gz, inputs, samples, hidden);

        const ranvier::Tensor<float> tensors[] = {
            {w1.data(), g1.data(), {m1.data(), v1.data()}, w1.size()},
            {w2.data(), g2.data(), {m2.data(), v2.data()}, w2.size()}};
        ranvier::step<float>(adam, tensors, step);
    }

    Array probabilities(scores.size()), normalisers(samples);
    ranvier::softmax(scores.data(), probabilities.data(), samples, classes);
    ranvier::logsumexp(scores.data(), normalisers.data(), samples, classes);
    int right = 0;
    for (std::size_t i = 0; i < samples; ++i) {
        const float* p = probabilities.data() + i * classes;
        right += p[labels[i]] > 0.5f;
        if (std::fabs(std::exp(scores[i * classes] - normalisers[i]) - p[0]) > 1e-5f) return 1;
    }
    std::printf("%s: loss %.3f, %d of %d are right\n", ranvier::instruction_set().c_str(), loss,
                right, static_cast<int>(samples));
    return right > 290 ? 0 : 1;
}
