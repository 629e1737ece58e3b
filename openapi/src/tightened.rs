//! Shorter ways to what the generator writes for every operation and has no
//! settings for: a map of headers with nothing in it but the document's version,
//! which Figma does not know, and a pass over the URL for each query parameter,
//! given or not. What does not look as expected stays as it was written.

use std::mem;

use syn::{
    Expr, ExprMethodCall, File, FnArg, Ident, ImplItem, Item, Pat, PatType, Stmt, Type, parse_quote,
};

/// Rewrites how requests are built; what is sent differs in that one header.
pub(crate) fn tightened(mut file: File) -> File {
    for item in &mut file.items {
        let Item::Impl(block) = item else { continue };
        for item in &mut block.items {
            if let ImplItem::Fn(method) = item {
                let optional = method.sig.inputs.iter().filter_map(optional).cloned().collect();
                tighten(&mut method.block.stmts, optional);
            }
        }
    }
    file
}

/// The name of an argument that is an `Option`.
fn optional(argument: &FnArg) -> Option<&Ident> {
    let FnArg::Typed(PatType { pat, ty, .. }) = argument else { return None };
    let (Pat::Ident(name), Type::Path(path)) = (&**pat, &**ty) else { return None };
    path.path.segments.last().filter(|it| it.ident == "Option").map(|_| &name.ident)
}

fn tighten(statements: &mut Vec<Stmt>, optional: Vec<Ident>) {
    // One makes the map, one puts the version in.
    let version_only = statements.iter().filter(|it| is_about_headers(it)).count() == 2;
    let Some(build) = statements.iter_mut().find_map(build) else { return };
    let mut pairs = Vec::new();
    shorten(&mut build.receiver, version_only, &optional, &mut pairs);
    if !pairs.is_empty() {
        let chain = &build.receiver;
        build.receiver = parse_quote!(#chain.query(&[#(#pairs),*]));
    }
    if version_only {
        statements.retain(|statement| !is_about_headers(statement));
    }
}

/// `let mut header_map = …` or `header_map.append(…)`.
fn is_about_headers(statement: &Stmt) -> bool {
    match statement {
        Stmt::Local(local) => matches!(&local.pat, Pat::Ident(it) if it.ident == "header_map"),
        Stmt::Expr(Expr::MethodCall(call), _) => {
            matches!(&*call.receiver, Expr::Path(it) if it.path.is_ident("header_map"))
        }
        _ => false,
    }
}

/// The last link of `let mut request = self.client.get(url). … .build()?`.
fn build(statement: &mut Stmt) -> Option<&mut ExprMethodCall> {
    let Stmt::Local(local) = statement else { return None };
    let Expr::Try(tried) = &mut *local.init.as_mut()?.expr else { return None };
    let Expr::MethodCall(call) = &mut *tried.expr else { return None };
    (call.method == "build").then_some(call)
}

/// Takes `.headers(header_map)` out of a chain, and every `.query(…)`, of which
/// name and value go to `pairs`.
fn shorten(chain: &mut Expr, without_headers: bool, optional: &[Ident], pairs: &mut Vec<Expr>) {
    let Expr::MethodCall(link) = chain else { return };
    shorten(&mut link.receiver, without_headers, optional, pairs);
    let pair = pair(link, optional);
    if pair.is_some() || (without_headers && link.method == "headers") {
        pairs.extend(pair);
        *chain = mem::replace(&mut link.receiver, Expr::PLACEHOLDER);
    }
}

/// Of `.query(&progenitor_client::QueryParam::new("name", &value))`: name and value,
/// if there is a value.
fn pair(link: &ExprMethodCall, optional: &[Ident]) -> Option<Expr> {
    let Some(Expr::Reference(param)) = link.args.first() else { return None };
    let Expr::Call(new) = &*param.expr else { return None };
    let mut arguments = new.args.iter();
    let (name, Expr::Reference(value)) = (arguments.next()?, arguments.next()?) else {
        return None;
    };
    let Expr::Path(value) = &*value.expr else { return None };
    let given = link.method == "query" && optional.iter().any(|it| value.path.is_ident(it));
    given.then(|| parse_quote!(#value.map(|value| (#name, value))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tightened(body: Vec<Stmt>) -> String {
        let file = parse_quote!(impl Client { fn get(&self, a: Option<&str>, b: Option<&str>, c: &str) { #(#body)* } });
        prettyplease::unparse(&super::tightened(file))
    }

    #[test]
    fn a_map_with_the_version_alone_goes_and_queries_become_one() {
        let text = tightened(parse_quote! {
            let mut header_map = HeaderMap::with_capacity(1usize);
            header_map.append(HeaderName::from_static("api-version"), version);
            let mut request = self.client.get(url)
                .header(ACCEPT, json)
                .query(&progenitor_client::QueryParam::new("a", &a))
                .query(&progenitor_client::QueryParam::new("b", &b))
                .query(&progenitor_client::QueryParam::new("c", &c))
                .headers(header_map)
                .build()?;
        });
        let text = text.split_whitespace().collect::<String>();
        let [param, a, b] = [
            r#"query(&progenitor_client::QueryParam::new("c",&c))"#,
            r#"a.map(|value|("a",value))"#,
            r#"b.map(|value|("b",value))"#,
        ];
        let chain = format!(
            "{{letmutrequest=self.client.get(url).header(ACCEPT,json).{param}.query(&[{a},{b}]).build()?;}}"
        );
        let text = text.replace(",]", "]").replace(",)", ")");
        assert!(text.contains(&chain), "{text}");
    }

    #[test]
    fn what_looks_otherwise_stays() {
        let body: Vec<Stmt> = parse_quote! {
            let mut header_map = HeaderMap::with_capacity(2usize);
            header_map.append(HeaderName::from_static("api-version"), version);
            header_map.append("if-match", etag);
            let request = self.client.get(url).query(&all).headers(header_map).build()?;
        };
        let file: File = parse_quote!(impl Client { fn get(&self, a: Option<&str>, b: Option<&str>, c: &str) { #(#body)* } });
        assert_eq!(tightened(body), prettyplease::unparse(&file));
    }
}
